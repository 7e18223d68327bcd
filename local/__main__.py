"""Run the product: `python -m local` brings everything up, says where it is, and waits.

It ends in order on Ctrl-C, SIGTERM, SIGHUP or the death of its parent; whatever kills it, no child
stays behind.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local.announcement import announce
from local.errors import LocalError
from local.ports import Ports
from local.servers.python_service import ROOT
from local.stack import Stack
from local.watch import watch


class Stopped(BaseException):
    """A signal asked for the end; like KeyboardInterrupt no part may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack until somebody ends it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--without-gateway", action="store_true", help="only the servers")
    options = parser.parse_args(arguments)
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    state = Path(os.environ.get("LOCAL_STATE_DIR") or ROOT / ".local").absolute()
    stack = None
    try:
        ports = Ports.from_environment()
        stack = Stack(state, ports, gateway=not options.without_gateway, report=_report)
        stack.start()
        announce(stack)
        watch(stack, parent)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return 0 if stopped.number == signal.SIGTERM else 128 + stopped.number
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if stack is not None:
            stack.stop()
    return 0


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def _report(step: str, seconds: float) -> None:
    print(f"{seconds:6.1f} s  {step}", flush=True)


if __name__ == "__main__":
    # The layer is on the path of the functions; the stack needs its migrations.
    sys.path.insert(0, str(ROOT / "layers" / "streaming" / "python"))
    sys.exit(main())
