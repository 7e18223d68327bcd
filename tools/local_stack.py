"""The running local stack: its bucket, its API, and the list of films on its player page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.credentials import Credentials
from local.demo import list_film

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A running stack; `settings` is the content of its stack.json."""

    folder: Path
    settings: Mapping[str, str]

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> "LocalStack | None":
        """Return the stack of `LOCAL_STATE_DIR` or of this checkout; None if it is not running."""
        folder = Path(environment.get("LOCAL_STATE_DIR") or ROOT / ".local").absolute()
        try:
            return cls(folder, json.loads((folder / "stack.json").read_text()))
        except FileNotFoundError:
            return None

    @property
    def upload_keys(self) -> tuple[str, str]:
        """The access key and secret with write permission for films, which no function has.

        For the developer's own S3 it is the developer's key.
        """
        credentials = Credentials.of(self.folder / "secrets.json")
        if self.settings["S3_ACCESS_KEY"] != credentials.s3_signer_access_key:
            return self.settings["S3_ACCESS_KEY"], self.settings["S3_SECRET_KEY"]
        return credentials.s3_admin_access_key, credentials.s3_admin_secret_key

    def list_film(self, movie_id: str, title: str) -> None:
        """Add the film to the player page."""
        list_film(self.folder / "demo.json", movie_id, title, ("hls", "dash"))


def settings_of_servers(environment: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the environment if it names servers, otherwise the settings of the running stack.

    None if no stack is running.
    """
    if environment.get("DATABASE_URL"):
        return environment
    stack = LocalStack.find(environment)
    return stack.settings if stack else None
