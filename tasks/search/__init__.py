"""Search: a face, a picture, a voice, a sound or a whole asset in; moments of the library out, best first."""
