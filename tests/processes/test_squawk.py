"""The linter of migrations rejects those with which the previous version cannot run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sys.executable).parent / "squawk"
LIMITS = "SET LOCAL lock_timeout = '3s';\nSET LOCAL statement_timeout = '10s';\n"


def judge(path: Path) -> subprocess.CompletedProcess[str]:
    """Lint a migration as `make check` does."""
    command: list[str | Path] = [
        SQUAWK,
        "--config",
        ROOT / ".squawk.toml",
        "--reporter",
        "gcc",
        path,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE stream_sessions DROP COLUMN user_agent;", "ban-drop-column"),
        ("ALTER TABLE stream_sessions RENAME COLUMN user_agent TO agent;", "renaming-column"),
        ("ALTER TABLE stream_sessions RENAME TO sessions;", "renaming-table"),
        ("ALTER TABLE stream_sessions ADD COLUMN x text NOT NULL;", "adding-required-field"),
        (
            "ALTER TABLE stream_sessions ALTER COLUMN ip_address SET NOT NULL;",
            "adding-not-nullable-field",
        ),
        (
            "ALTER TABLE stream_sessions ALTER COLUMN ip_address TYPE inet USING ip_address::inet;",
            "changing-column-type",
        ),
        ("DROP TABLE event_outbox;", "ban-drop-table"),
        (
            "CREATE INDEX stream_sessions_agent ON stream_sessions (user_agent);",
            "require-concurrent-index-creation",
        ),
    ],
)
def test_refused(tmp_path: Path, statement: str, rule: str) -> None:
    """A statement that removes something, or blocks playback, fails the check."""
    path = tmp_path / "900_wrong.sql"
    path.write_text(LIMITS + statement)

    judged = judge(path)

    assert judged.returncode == 1
    assert rule in judged.stdout


def test_time_limits_are_asked_for(tmp_path: Path) -> None:
    """A statement that may wait for a lock needs a time-out."""
    path = tmp_path / "900_wrong.sql"
    path.write_text("ALTER TABLE stream_sessions ADD COLUMN x text;")

    assert "require-lock-timeout" in judge(path).stdout


def test_adding_is_fine(tmp_path: Path) -> None:
    """A nullable column can be added at any time."""
    path = tmp_path / "900_right.sql"
    path.write_text(f"{LIMITS}ALTER TABLE stream_sessions ADD COLUMN x text;")

    assert judge(path).returncode == 0
