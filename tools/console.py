"""Progress messages: one line per step, updated in place in a terminal."""

import sys
import time

_REFRESH_SECONDS = 0.2
_STEP_IN_LOGS = 10


class Meter:
    """The progress of one step: a percentage in a terminal, a line per ten percent in a log."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._shown_at = self._started_at = time.monotonic()
        self._shown = 0

    def show(self, share: float, detail: str = "") -> None:
        """Show that `share` (0 to 1) is done."""
        percent = int(min(max(share, 0.0), 1.0) * 100)
        now = time.monotonic()
        if self._is_terminal:
            if now - self._shown_at >= _REFRESH_SECONDS:
                self._shown_at = now
                self._print(f"\r{self._label}  {percent:3d} %  {detail}\x1b[K", end="")
        elif self._shown + _STEP_IN_LOGS <= percent < 100:
            self._shown = percent - percent % _STEP_IN_LOGS
            self._print(f"{self._label}  {percent:3d} %  {detail}".rstrip())

    def finish(self, detail: str = "") -> None:
        """Print that the step is complete, and its duration."""
        seconds = time.monotonic() - self._started_at
        line = f"{self._label}  100 %  {detail}".rstrip() + f"  ({seconds:.1f} s)"
        self._print(f"\r{line}\x1b[K" if self._is_terminal else line)

    @staticmethod
    def _print(text: str, end: str = "\n") -> None:
        print(text, end=end, file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Print a line to standard error; standard output has the result only."""
    print(text, file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Print an error in one line."""
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    say(f"{clear}error: {' '.join(text.split())}")
