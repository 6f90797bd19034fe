"""What the project claims about its speed, measured against the upstream tools used by hand."""
