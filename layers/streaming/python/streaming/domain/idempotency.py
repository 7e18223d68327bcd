"""The ``Idempotency-Key`` header, by which a repeated request is told from a new one.

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
    """A key with the fingerprint of what its request asks for."""

    value: str
    fingerprint: str

    @classmethod
    def of(cls, header: str | None, **request: Any) -> Self | None:
        """Read the header's value; None without one. ``request`` is what the caller asks for.

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
    """An attempt at a start, with the ids that all attempts with its key have in common.

    ``is_completed`` tells that an earlier one has opened the session.
    """

    session_id: UUID
    event_id: UUID
    is_completed: bool = False
