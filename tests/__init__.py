"""A package, so that no other library's `tests` is imported in its place."""
