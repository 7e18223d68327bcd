"""Injects the faults of a plan while clients use the service."""

import threading
from collections.abc import Callable, Sequence

from tests.histories.environments import Environments
from tests.histories.event_source import EventSource
from tests.histories.operations import Disturbance
from tests.histories.plan import Fault
from tests.histories.rig import Rig

# A stall outlasts the time-out of a statement, so that replies arrive after clients have given up.
_LEAST_STALL_SECONDS = 1.1


class Nemesis:
    """One fault after the other; ``clock`` gives the history's time."""

    def __init__(
        self,
        rig: Rig,
        environments: Environments,
        clock: Callable[[], float],
        source: EventSource | None = None,
    ) -> None:
        self._rig = rig
        self._environments = environments
        self._source = source
        self._clock = clock
        self._done = threading.Event()
        self.disturbances: list[Disturbance] = []

    def stop(self) -> None:
        """Let the current fault be the last."""
        self._done.set()

    def rage(self, faults: Sequence[Fault]) -> None:
        """Inject ``faults``, then end their effects."""
        try:
            for fault in faults:
                if self._done.wait(fault.pause):
                    return
                began_at = self._clock()
                self._carry_out(fault)
                self.disturbances.append(Disturbance(fault.what, began_at, self._clock()))
        finally:
            self._rig.heal()

    def _carry_out(self, fault: Fault) -> None:
        manner, _, target = fault.what.partition(" ")
        match manner:
            case "kill" if target == "an environment":
                self._environments.kill(fault.choice)
            case "kill":
                self._rig.kill(target)
                self._done.wait(fault.seconds)
                self._rig.bring_back(target)
            case "lose":
                # The server commits, but the reply is lost.
                self._rig.proxies[target].cut_once(containing=b"COMMIT\0")
            case "cut":
                self._rig.proxies[target].cut_connections()
            case "stall":
                self._rig.proxies[target].black_hole()
                self._done.wait(max(_LEAST_STALL_SECONDS, fault.seconds))
                self._rig.proxies[target].pass_through()
            case "refuse" | "part" | "restore" | "replace":
                self._rig.redis.disturb(manner, fault.seconds)
            case "silence":
                self._rig.silence()
            case "rewind":
                if self._source is not None:
                    self._source.rewind(fault.choice)
            case _:
                raise AssertionError(fault.what)
