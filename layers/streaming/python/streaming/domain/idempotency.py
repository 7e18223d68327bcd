"""The ``Idempotency-Key`` header, which identifies repeats of a request.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from streaming.domain.errors import InvalidRequest

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key, and the fingerprint (SHA-256) of its request's parameters."""

    value: str
    fingerprint: str

    @classmethod
    def of(cls, header: str | None, **request: Any) -> Self | None:
        """Parse the header's value; None if absent. ``request`` has the request's parameters.

        Raises ``InvalidRequest`` unless it is 1 to 255 characters of visible ASCII.
        """
        if header is None:
            return None
        if not _VISIBLE_ASCII.fullmatch(header):
            raise InvalidRequest("Idempotency-Key is not 1 to 255 characters of visible ASCII")
        text = json.dumps(request, sort_keys=True, default=str)
        return cls(header, hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to start a stream, with the ids shared by all attempts with the same key.

    ``is_completed`` is true if an earlier attempt has opened the session.
    """

    session_id: UUID
    event_id: UUID
    is_completed: bool = False
