"""A new version of an image into use, and out of it again.

registry (build's result, scan, signature) → function (a version, a canary on its alias) → watch (smoke
requests, alarms) → promoted, or rolled back. Pointers of stores (models, indexes) go by the same rules.
"""
