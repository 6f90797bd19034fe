"""How good the models are on media whose truth is known."""
