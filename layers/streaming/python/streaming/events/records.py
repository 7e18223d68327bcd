"""Records of Kafka, as Lambda's event sources (Amazon MSK, self-managed Kafka) deliver them.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html

Lambda repeats a batch that fails, and delivers no later records meanwhile. Therefore an invalid
record must be skipped; it must not fail the batch.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_LARGEST_VALUE_BYTES = 64 * 1024


class InvalidRecord(ValueError):
    """The record does not have the format of its topic."""


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record. ``value`` and ``key`` are base64; None if the record has none.

    ``timestamp`` is when it was sent, in Unix milliseconds; None if that is unknown.
    """

    topic: str
    partition: int
    offset: int
    value: str | None = field(repr=False)
    key: str | None = field(default=None, repr=False)
    timestamp: int | None = None

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the value. Raises ``InvalidRecord``."""
        text = self.value or ""
        if len(text) > _LARGEST_VALUE_BYTES * 4 / 3 + 4:
            raise InvalidRecord(f"the value is larger than {_LARGEST_VALUE_BYTES} bytes")
        try:
            value = json.loads(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, RecursionError) as error:
            raise InvalidRecord("the value is not JSON") from error
        if not isinstance(value, dict):
            raise InvalidRecord("the value is not a JSON object")
        return value


def records_of(event: Mapping[str, Any]) -> Iterator[KafkaRecord]:
    """Yield the records of an event; those of a partition are in order."""
    for records in event["records"].values():
        for record in records:
            yield KafkaRecord(
                topic=record["topic"],
                partition=record["partition"],
                offset=record["offset"],
                value=record.get("value"),
                key=record.get("key"),
                timestamp=record.get("timestamp"),
            )
