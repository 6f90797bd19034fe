"""Are the results plausible? Rules in Great Expectations over every file of an asset folder."""
