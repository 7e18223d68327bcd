"""How a film reaches a player from a private bucket: signed copies of its manifests."""
