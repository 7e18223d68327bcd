"""The servers that the service leans on, each a real one from a PyPI wheel, run as a child process."""
