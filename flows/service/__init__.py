"""What `make serve` keeps running and looks after."""
