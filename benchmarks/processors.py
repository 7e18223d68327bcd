"""Processor time of the servers that a benchmark has started."""

import contextlib

import psutil


def processor_seconds(name: str = "") -> float:
    """Return the processor time so far of the processes that this one started.

    With ``name`` only that of processes whose name begins so. A process may end meanwhile.
    """
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name().startswith(name):
                times = process.cpu_times()
                total += times.user + times.system
    return total
