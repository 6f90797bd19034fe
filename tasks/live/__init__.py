"""Sound that is analysed while it is heard."""
