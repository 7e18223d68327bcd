"""The errors of Redis, whichever client executes the commands.

A server that cannot be reached, or does not answer in time, is an ``OSError``.
"""


class CacheError(Exception):
    """Redis answered with an error, or the answer is not understood."""


class LoginRefused(CacheError):
    """Redis does not accept the password, or requires one."""


class ScriptUnknown(CacheError):
    """The server does not have the script with this hash."""
