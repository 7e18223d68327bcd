"""Settings that are made of secrets, and follow them when they are rotated.

A deployment names secrets by their ARN in a variable beside the one that local runs fill in. Where
no ARN is given, nothing here reads anything.
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
# Whoever sends foreign tokens must not make us ask for the secret each time.
RENEWAL_PAUSE_SECONDS = 5.0

_FIELDS: Mapping[str, Mapping[str, str]] = {
    "S3_SIGNING_SECRET_ARN": {"S3_ACCESS_KEY": "access_key", "S3_SECRET_KEY": "secret_key"},
    "REDIS_SECRET_ARN": {"REDIS_USERNAME": "username", "REDIS_PASSWORD": "password"},
    "KAFKA_SECRET_ARN": {"KAFKA_USERNAME": "username", "KAFKA_PASSWORD": "password"},
}


class SecretUnavailable(Exception):
    """The secret store does not answer, and nothing is known from before."""


class Rotating(Generic[Value]):
    """Settings built from the environment and the secret that ``variable`` names in it.

    The secret is read when it is first needed and again after ``LIFE_SECONDS``; when it cannot be
    read then, the known value stays. ``read`` returns the text of a secret, given its ARN.
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
        """When the secret was last read, by ``clock``; what fails does not count."""
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
        """Return the settings that replace refused ones; None when there are no newer ones."""
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
            # What is known may be right still; the pause keeps an outage from costing each request.
            self._tried_at = self._clock()


def with_secret(environment: Variables, variable: str, text: str) -> dict[str, str]:
    """Return ``environment`` with the variables that the secret's text stands for.

    Raises ``ConfigurationError`` when the text has another form than its variable asks for.
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
    """Return ``url`` with the user and password of the secret that RDS keeps for a database."""
    if "username" not in fields or "password" not in fields:
        raise ConfigurationError("the secret of DATABASE_SECRET_ARN has no username and password")
    parts = urlsplit(url)
    user, password = (quote(fields[name], safe="") for name in ("username", "password"))
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{address}"))
