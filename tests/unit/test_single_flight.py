"""What several ask for at the same time is done once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming.resilience.deadline import within
from streaming.resilience.single_flight import SingleFlight


def test_a_thousand_share_one_answer() -> None:
    """However many ask while the first is still at it, the work is done once."""
    flight: SingleFlight[object] = SingleFlight()
    arrived, answers, calls = threading.Semaphore(0), [], []

    def work() -> object:
        for _ in range(1000):
            arrived.acquire()
        # They have all come; the last is about to wait.
        time.sleep(0.2)
        calls.append(1)
        return object()

    def ask() -> None:
        arrived.release()
        answers.append(flight.run("key", work))

    threads = [threading.Thread(target=ask) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(calls) == 1
    assert len(answers) == 1000
    assert len(set(map(id, answers))) == 1


def test_keys_do_not_wait_for_each_other() -> None:
    """What takes long for one key delays no other."""
    flight: SingleFlight[str] = SingleFlight()
    may_go_on = threading.Event()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(flight.run, "slow", lambda: str(may_go_on.wait(30)))

        assert flight.run("quick", lambda: "done") == "done"

        may_go_on.set()
        assert slow.result(30) == "True"


def test_failure_is_shared_and_forgotten() -> None:
    """Those who wait get the error; who comes after it tries anew."""
    flight: SingleFlight[str] = SingleFlight()
    begun, may_fail = threading.Event(), threading.Event()

    def fail() -> str:
        begun.set()
        may_fail.wait(30)
        raise ConnectionError

    with ThreadPoolExecutor() as pool:
        first = pool.submit(flight.run, "key", fail)
        begun.wait(30)
        second = pool.submit(flight.run, "key", fail)
        may_fail.set()
        for each in (first, second):
            with pytest.raises(ConnectionError):
                each.result(30)

    assert flight.run("key", lambda: "done") == "done"


def test_waiting_ends_with_the_request() -> None:
    """Who waits for another's answer does so within the own deadline."""
    flight: SingleFlight[str] = SingleFlight()
    begun, may_go_on = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        return str(may_go_on.wait(30))

    with ThreadPoolExecutor() as pool:
        first = pool.submit(flight.run, "key", work)
        begun.wait(30)
        with within(0.05), pytest.raises(TimeoutError):
            flight.run("key", work)

        may_go_on.set()
        assert first.result(30) == "True"
