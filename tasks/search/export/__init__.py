"""Moments as what other programs open: clips, timelines, tables, chapters."""
