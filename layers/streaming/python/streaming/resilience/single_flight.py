"""Doing once what several threads ask for at the same time."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from streaming.resilience.deadline import allowance

_LONGEST_WAIT_SECONDS = 30.0

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Lets the first caller of a key do the work; those who come meanwhile share what it gets."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[Hashable, Future[Result]] = {}

    def run(self, key: Hashable, work: Callable[[], Result]) -> Result:
        """Return what ``work`` returns, or raise what it raises, for everybody who waits for it.

        Who waits does so within the request's deadline: raises ``TimeoutError`` when it ends.
        """
        with self._lock:
            flight = self._flights.get(key)
            is_first = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not is_first:
            return flight.result(timeout=allowance(_LONGEST_WAIT_SECONDS))
        try:
            flight.set_result(work())
        except BaseException as error:
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flights[key]
        return flight.result()
