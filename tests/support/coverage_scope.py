"""Measures coverage in tests of the functions and the shared package only.

Tracing doubles the processor time of all Python code, also of code that is not measured.
"""

import os
from pathlib import Path

import pytest
from coverage import Coverage

_TESTS = Path(__file__).parents[1]
# These test tools, templates, local servers, or programs of their own.
_UNMEASURED = (
    "e2e/publish",
    "e2e/test_local_processes.py",
    "e2e/test_own_servers.py",
    "histories",
    "integration/gateway",
    "integration/publish",
    "processes",
    "template",
    "unit/benchmarks",
    "unit/docs",
    "unit/histories",
    "unit/local",
    "unit/support",
    "unit/tools",
)
# With it, a Python process measures itself; coverage.py sets it for all child processes.
_VARIABLE = "COVERAGE_PROCESS_CONFIG"


class CoverageScope:
    """Starts and stops the measurement of this process between tests of different kinds."""

    def __init__(self, measurement: Coverage) -> None:
        self._measurement = measurement
        self._is_on = True
        self._variables = self._without_children()

    @property
    def variables(self) -> dict[str, str]:
        """The variable with which the processes of functions measure themselves."""
        return self._variables

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Measure the next test, or do not."""
        path = item.path.relative_to(_TESTS).as_posix()
        wanted = not path.startswith(_UNMEASURED) and not item.get_closest_marker("unmeasured")
        if wanted and not self._is_on:
            self._measurement.start()
            self._without_children()
        elif self._is_on and not wanted:
            self._measurement.stop()
        self._is_on = wanted

    def _without_children(self) -> dict[str, str]:
        """Let child processes not measure themselves; return the variable that tells them to."""
        value = os.environ.pop(_VARIABLE, None)
        return {} if value is None else {_VARIABLE: value}


def register(config: pytest.Config) -> None:
    """Limit the measurement, if this process measures coverage."""
    measurement = Coverage.current()
    if measurement is not None:
        config.pluginmanager.register(CoverageScope(measurement), CoverageScope.__name__)


def variables_for_functions(config: pytest.Config) -> dict[str, str]:
    """Return the variables with which the processes of functions measure themselves, if any do."""
    scope: CoverageScope | None = config.pluginmanager.get_plugin(CoverageScope.__name__)
    return {} if scope is None else scope.variables
