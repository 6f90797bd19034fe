"""What runs leave behind, and how much of it is kept."""
