"""Search below an output folder: by face, picture, voice, sound, or likeness to an asset."""
