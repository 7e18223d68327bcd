"""A word that a layer shares."""

WORD = "first"
