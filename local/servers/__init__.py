"""The servers that the service leans on: real ones from PyPI wheels, run as child processes."""
