"""Deploys an environment of samconfig.toml: `make deploy ENV=dev`."""
