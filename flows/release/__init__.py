"""A new version of an image into use on AWS, or back out of it."""
