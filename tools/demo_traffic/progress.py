"""A progress bar in one line of the terminal; in a file, one line for each tenth."""

import sys
import time

_WIDTH = 30


class Bar:
    """The progress of one step with ``whole`` parts."""

    def __init__(self, step: str, whole: int) -> None:
        self._step, self._whole = step, whole
        self._began = time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._tenth = -1

    def show(self, done: int) -> None:
        """Show that ``done`` parts are done."""
        share = done / self._whole if self._whole else 1.0
        line = f"{share:4.0%}  {done:,} of {self._whole:,} events"
        if self._is_terminal:
            filled = round(share * _WIDTH)
            bar = "█" * filled + "░" * (_WIDTH - filled)
            print(f"\r{self._step:<9} {bar} {line}", end="", flush=True)
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            print(f"{self._step:<9} {line}", flush=True)

    def end(self) -> None:
        """End the line with the time that the step took."""
        seconds = time.monotonic() - self._began
        print(f"{'  ' if self._is_terminal else self._step + ' '}{seconds:.1f} s", flush=True)
