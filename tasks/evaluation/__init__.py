"""How good a model is on media whose truth is known: data sets, measures, statistics, reports."""
