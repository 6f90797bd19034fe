"""What every run does, whichever flow it is of."""
