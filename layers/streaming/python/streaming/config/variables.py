"""Environment variables: how one is read, and what is raised for a wrong value."""

from collections.abc import Mapping

Variables = Mapping[str, str]


class ConfigurationError(Exception):
    """An environment variable is missing or has a value that the service refuses."""


def required(environment: Variables, name: str) -> str:
    """Return the value. Raises ``ConfigurationError`` for a missing or empty one."""
    value = environment.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value


def listed(environment: Variables, name: str) -> tuple[str, ...]:
    """Return the parts of a list with commas, without empty ones."""
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def flag(environment: Variables, name: str, *, default: bool) -> bool:
    """Return whether the value is ``true`` or ``1``. Raises ``ConfigurationError`` for others."""
    value = environment.get(name, "").strip().lower()
    if not value:
        return default
    if value not in ("true", "false", "1", "0"):
        raise ConfigurationError(f"{name} is neither true nor false: {value!r}")
    return value in ("true", "1")


def integer(environment: Variables, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number. Raises ``ConfigurationError`` for one outside of the bounds."""
    text = environment.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise ConfigurationError(f"{name} is not a whole number: {text!r}") from None
    if not least <= value <= most:
        raise ConfigurationError(f"{name} is not between {least} and {most}: {value}")
    return value
