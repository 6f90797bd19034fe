"""Data sets that people own in other forms, written as a dataset.toml."""
