"""The error of the local stack."""


class LocalError(Exception):
    """A cause that prevents the local stack from running and its remedy, in one line."""
