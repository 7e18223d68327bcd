"""Services like ours, written the usual ways, for comparison: see README.md."""
