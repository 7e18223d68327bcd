"""Services like ours, written the usual ways, for comparison.

Each is complete for start, progress, get and stop, and has its own database, Redis database and
topics. They run with the packages of ``tools/requirements/peers.in``, in an environment of their
own.
"""
