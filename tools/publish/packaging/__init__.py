"""Packages segments as a film for players: the folders, and both manifests."""
