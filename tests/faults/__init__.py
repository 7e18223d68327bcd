"""Breaks every dependency in every way under every call, and writes down what viewers get."""
