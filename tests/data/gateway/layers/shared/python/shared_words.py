"""A constant in a shared layer."""

WORD = "first"
