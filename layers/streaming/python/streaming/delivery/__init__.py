"""Delivery of films from a private bucket to players, by signed copies of their manifests."""
