"""The local stack, when it runs: its bucket, its API, and the page that lists its films."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.credentials import Credentials
from local.demo import list_film

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A running stack. `settings` is what its stack.json says."""

    folder: Path
    settings: Mapping[str, str]

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> "LocalStack | None":
        """Return the stack of this checkout, or of `LOCAL_STATE_DIR`; None when it is not up."""
        folder = Path(environment.get("LOCAL_STATE_DIR") or ROOT / ".local").absolute()
        try:
            return cls(folder, json.loads((folder / "stack.json").read_text()))
        except FileNotFoundError:
            return None

    @property
    def upload_keys(self) -> tuple[str, str]:
        """The access key and secret of the identity that may write films; no function has it.

        With an S3 of the developer's own, the developer's key.
        """
        credentials = Credentials.of(self.folder / "secrets.json")
        if self.settings["S3_ACCESS_KEY"] != credentials.s3_signer_access_key:
            return self.settings["S3_ACCESS_KEY"], self.settings["S3_SECRET_KEY"]
        return credentials.s3_admin_access_key, credentials.s3_admin_secret_key

    def list_film(self, movie_id: str, title: str) -> None:
        """Offer the film on the player page."""
        list_film(self.folder / "demo.json", movie_id, title, ("hls", "dash"))
