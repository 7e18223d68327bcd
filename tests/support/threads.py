"""Concurrent calls from several environments."""

import random
import time
from collections.abc import Callable, Sequence
from threading import Barrier, Thread

from tests.support.functions import ExecutionEnvironment, Response, Viewer


def at_once(
    environments: Sequence[ExecutionEnvironment], viewer: Viewer, call: Callable[[int], Response]
) -> list[Response]:
    """Make a numbered call in every environment concurrently; return the responses."""
    answers: list[Response | None] = [None] * len(environments)
    barrier = Barrier(len(environments))

    def run(number: int, environment: ExecutionEnvironment) -> None:
        with environment:
            assert viewer.continue_watching().status == 200
            barrier.wait(60)
            answer = call(number)
            # With fifty concurrent calls, waiting for a row may take longer than a request may;
            # players then retry, less and less often, or a busy machine would never be done.
            pause = int(answer.headers.get("retry-after", 0))
            while answer.status == 503:
                time.sleep(pause * random.random())
                pause *= 2
                answer = call(number)
            answers[number] = answer

    threads = [Thread(target=run, args=each) for each in enumerate(environments)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in answers
    return [answer for answer in answers if answer is not None]
