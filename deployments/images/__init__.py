"""Builds the images of `containers/` with Docker or buildah, and knows how large each may be."""
