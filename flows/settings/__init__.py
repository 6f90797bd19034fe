"""Every setting in one place: where it may come from, what it means, and whether it is right."""
