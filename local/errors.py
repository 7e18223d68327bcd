"""The one error of the local stack: something that a developer can act on, told in one line."""


class LocalError(Exception):
    """Say in one line what keeps the local stack from running, and what to do about it."""
