"""Settings that contain secrets, and are read again after a rotation.

A deployment passes the ARN of each secret in a variable; local runs pass the values themselves.
Without an ARN no secret is read.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from streaming.config.variables import ConfigurationError, Variables

Value = TypeVar("Value")
Read = Callable[[str], str]

LIFE_SECONDS = 300.0
# Requests with invalid tokens must not cause one read of the secret each.
RENEWAL_PAUSE_SECONDS = 5.0

_FIELDS: Mapping[str, Mapping[str, str]] = {
    "S3_SIGNING_SECRET_ARN": {"S3_ACCESS_KEY": "access_key", "S3_SECRET_KEY": "secret_key"},
    "REDIS_SECRET_ARN": {"REDIS_USERNAME": "username", "REDIS_PASSWORD": "password"},
    "KAFKA_SECRET_ARN": {"KAFKA_USERNAME": "username", "KAFKA_PASSWORD": "password"},
}


class SecretUnavailable(Exception):
    """The secret cannot be read, and no earlier value is known."""


class Rotating(Generic[Value]):
    """Settings built from the environment and the secret whose ARN is in ``variable``.

    The secret is read on first use and again after ``LIFE_SECONDS``; if that fails, the known value
    is kept. ``read`` returns the text of a secret, given its ARN.
    """

    def __init__(
        self,
        build: Callable[[Variables], Value],
        environment: Variables,
        variable: str,
        read: Read,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._build = build
        self._environment = environment
        self._variable = variable
        self._arn = environment.get(variable) or None
        self._read = read
        self._clock = clock
        self._lock = Lock()
        self._text: str | None = None
        self._value: Value | None = None
        self._read_at = self._tried_at = -math.inf

    @property
    def read_at(self) -> float:
        """The time of the last successful read, on ``clock``."""
        return self._read_at

    def current(self) -> Value:
        """Return the settings. Raises ``SecretUnavailable`` and ``ConfigurationError``."""
        with self._lock:
            if self._value is None:
                self._refresh()
            elif self._arn and self._clock() - self._tried_at > LIFE_SECONDS:
                self._refresh_if_possible()
            assert self._value is not None
            return self._value

    def renewed(self) -> Value | None:
        """Return newer settings after a refusal; None if there are none. Never raises."""
        with self._lock:
            if not self._arn or self._clock() - self._tried_at < RENEWAL_PAUSE_SECONDS:
                return None
            before = self._text
            self._refresh_if_possible()
            return self._value if self._text != before else None

    def _refresh(self) -> None:
        text = self._read(self._arn) if self._arn else ""
        environment = with_secret(self._environment, self._variable, text) if text else None
        self._value = self._build(environment or self._environment)
        self._text = text
        self._read_at = self._tried_at = self._clock()

    def _refresh_if_possible(self) -> None:
        try:
            self._refresh()
        except (SecretUnavailable, ConfigurationError):
            # The known value may still be valid. The pause avoids a failing read for each request.
            self._tried_at = self._clock()


def with_secret(environment: Variables, variable: str, text: str) -> dict[str, str]:
    """Return ``environment`` with the variables that the secret contains.

    Raises ``ConfigurationError`` if the text does not have the format that ``variable`` requires.
    """
    if variable == "JWT_SECRET_ARN":
        return {**environment, "JWT_SECRET_KEY": text.strip()}
    fields = _fields(variable, text)
    if variable == "DATABASE_SECRET_ARN":
        url = _with_credentials(environment.get("DATABASE_URL", ""), fields)
        return {**environment, "DATABASE_URL": url}
    known = {name: fields[field] for name, field in _FIELDS[variable].items() if field in fields}
    return {**environment, **known}


def _fields(variable: str, text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigurationError(f"the secret of {variable} is not a JSON object")
    return {str(name): str(field) for name, field in value.items()}


def _with_credentials(url: str, fields: Mapping[str, str]) -> str:
    """Return ``url`` with the user and password of a secret in the format of RDS."""
    if "username" not in fields or "password" not in fields:
        raise ConfigurationError("the secret of DATABASE_SECRET_ARN has no username and password")
    parts = urlsplit(url)
    user, password = (quote(fields[name], safe="") for name in ("username", "password"))
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{address}"))
