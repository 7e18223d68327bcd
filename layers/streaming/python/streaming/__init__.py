"""The shared package of the Streaming Service's functions."""
