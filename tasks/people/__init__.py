"""People: names given once that hold for every appearance of a face or a voice, in every asset."""
