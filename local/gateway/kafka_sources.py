"""Invokes functions with the records of Kafka topics, like Lambda's event source mappings.

A failed batch is retried until it succeeds. The gateway stores no offsets: from the starting
position TRIM_HORIZON each run reads all records again, from LATEST those sent since it connected.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from local.gateway.log import log
from local.gateway.model import KafkaSource
from local.gateway.workers import Pools, ThrottledError

if TYPE_CHECKING:
    from kafka import KafkaConsumer

_POLL_MILLISECONDS = 500
# A longer wait costs less processor time while there are no records.
_FETCH_MILLISECONDS = 2000
_PAUSE_SECONDS = 1.0
_STOP_SECONDS = 1.0


def event(source: KafkaSource, records: Iterable[Any]) -> dict[str, Any]:
    """Return the event for a batch of the consumer's records, that of a self-managed Kafka."""
    by_partition: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        described = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "timestampType": "CREATE_TIME",
            **({"key": _base64(record.key)} if record.key is not None else {}),
            **({"value": _base64(record.value)} if record.value is not None else {}),
            "headers": [{name: list(value)} for name, value in record.headers],
        }
        by_partition.setdefault(f"{record.topic}-{record.partition}", []).append(described)
    return {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": ",".join(source.bootstrap_servers),
        "records": by_partition,
    }


class KafkaSources:
    """The running event source mappings of a service, each in its own thread."""

    def __init__(self, sources: Iterable[KafkaSource], pools: Pools) -> None:
        self._sources = tuple(sources)
        self._pools = pools
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start to read all topics."""
        loop = asyncio.get_running_loop()
        for source in self._sources:
            thread = threading.Thread(target=self._read, args=(source, loop), daemon=True)
            thread.start()
            self._threads.append(thread)

    async def stop(self) -> None:
        """Stop reading, and wait for the threads, at most `_STOP_SECONDS` each."""
        self._stopping.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _STOP_SECONDS)

    def _read(self, source: KafkaSource, loop: asyncio.AbstractEventLoop) -> None:
        # Imported here, so that the first request does not wait for it. kafka-python would log each
        # failed connection.
        from kafka import KafkaConsumer
        from kafka.errors import KafkaError

        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        while not self._stopping.is_set():
            try:
                consumer = KafkaConsumer(
                    *source.topics,
                    bootstrap_servers=list(source.bootstrap_servers),
                    max_poll_records=source.batch_size,
                    bootstrap_timeout_ms=1000,
                    fetch_max_wait_ms=_FETCH_MILLISECONDS,
                    auto_offset_reset="earliest" if source.from_start else "latest",
                )
            except KafkaError:
                self._stopping.wait(_PAUSE_SECONDS)
                continue
            try:
                self._consume(source, consumer, loop)
            except KafkaError as error:
                log(f"event source {source.name}: {error!r}")
                self._stopping.wait(_PAUSE_SECONDS)
            finally:
                consumer.close()

    def _consume(
        self, source: KafkaSource, consumer: KafkaConsumer, loop: asyncio.AbstractEventLoop
    ) -> None:
        while not self._stopping.is_set():
            polled: Mapping[Any, Sequence[Any]] = consumer.poll(timeout_ms=_POLL_MILLISECONDS)
            records = [record for batch in polled.values() for record in batch]
            while records and not self._stopping.is_set():
                call = self._invoke(source, event(source, records))
                if asyncio.run_coroutine_threadsafe(call, loop).result():
                    break
                self._stopping.wait(_PAUSE_SECONDS)

    async def _invoke(self, source: KafkaSource, happening: dict[str, Any]) -> bool:
        """Run the function; return whether it succeeded."""
        try:
            result = await self._pools[source.function].invoke(happening)
        except ThrottledError:
            log(f"event source {source.name}: throttled")
            return False
        if result.failed:
            error = json.loads(result.payload)
            text = f"{error['errorType']}: {error['errorMessage']}"
            log(f"event source {source.name}: {source.function} failed: {text}")
        return not result.failed


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
