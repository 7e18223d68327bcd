"""Run the product: `python -m local` starts everything, prints the addresses, and waits.

It shuts down in order on Ctrl-C, SIGTERM, SIGHUP or the exit of its parent process. No child
process survives it, even after SIGKILL.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from local.console import announce, complain, report
from local.disk import is_full
from local.errors import LocalError
from local.isolation import forget_proxies, leave_aws_alone
from local.own_servers import OwnServers
from local.ports import Ports
from local.servers.python_service import LAYER, ROOT
from local.stack import Stack
from local.watch import Watch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal requested the shutdown.

    It is a BaseException, like KeyboardInterrupt, so that no `except Exception` catches it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--without-gateway", action="store_true", help="run the servers alone")
    parser.add_argument("--without-films", action="store_true", help="leave the bucket empty")
    options = parser.parse_args(arguments)
    leave_aws_alone(os.environ)
    forget_proxies(os.environ)
    parent = os.getppid()
    folder = Path(os.environ.get("LOCAL_STATE_DIR") or ROOT / ".local").absolute()
    stack = None
    try:
        for number in SIGNALS:
            signal.signal(number, _stop)
        own = OwnServers.of(os.environ)
        ports = Ports.from_environment(_without_own(os.environ, own))
        stack = Stack(
            folder,
            ports,
            gateway=not options.without_gateway,
            films=not options.without_films,
            own=own,
            report=report,
        )
        stack.start()
        announce(stack)
        Watch(stack).until_gone(parent)
    except (LocalError, OSError) as error:
        complain(str(error))
        return 1
    except Exception as error:
        # With a full disk a client library may raise its own error.
        if not is_full(folder):
            raise
        complain(f"the disk of {folder} is full: {error}")
        return 1
    except Stopped as stopped:
        return 0 if stopped.number == signal.SIGTERM else 128 + stopped.number
    finally:
        # A second Ctrl-C must not interrupt the shutdown, which takes a few seconds at most.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if stack is not None:
            stack.stop()
    return 0


def _without_own(environment: Mapping[str, str], own: OwnServers) -> dict[str, str]:
    """Return the environment without the variables of the developer's own servers."""
    taken = {name for each in own.variables.values() for name in each}
    return {name: value for name, value in environment.items() if name not in taken}


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


if __name__ == "__main__":
    sys.path.insert(0, str(LAYER))
    sys.exit(main())
