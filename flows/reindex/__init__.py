"""The nightly re-index: search indexes that hold exactly what lies below an output folder."""
