"""Many media files in, an asset folder for each out."""
