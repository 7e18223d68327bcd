"""The servers that the service uses: real ones from PyPI wheels, run as child processes."""
