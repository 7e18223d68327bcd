"""Reads single environment variables and raises ``ConfigurationError`` for invalid values."""

from collections.abc import Mapping

Variables = Mapping[str, str]


class ConfigurationError(Exception):
    """An environment variable is missing or invalid."""


def required(environment: Variables, name: str) -> str:
    """Return the value. Raises ``ConfigurationError`` if it is missing or empty."""
    value = environment.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value


def listed(environment: Variables, name: str) -> tuple[str, ...]:
    """Return the non-empty parts of a comma-separated list."""
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def flag(environment: Variables, name: str, *, default: bool) -> bool:
    """Return a boolean. Raises ``ConfigurationError`` unless it is true, false, 1 or 0."""
    value = environment.get(name, "").strip().lower()
    if not value:
        return default
    if value not in ("true", "false", "1", "0"):
        raise ConfigurationError(f"{name} is neither true nor false: {value!r}")
    return value in ("true", "1")


def integer(environment: Variables, name: str, default: int, least: int, most: int) -> int:
    """Return an integer. Raises ``ConfigurationError`` if it is out of range."""
    text = environment.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise ConfigurationError(f"{name} is not a whole number: {text!r}") from None
    if not least <= value <= most:
        raise ConfigurationError(f"{name} is not between {least} and {most}: {value}")
    return value
