"""What is in an asset folder's JSON, whichever image made it: its shapes are a promise to readers."""
