"""The main job: one media file in, every analysis out."""
