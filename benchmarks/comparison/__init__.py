"""Measures this service side by side with the peers, against goals."""
