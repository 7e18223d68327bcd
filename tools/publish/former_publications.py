"""Former publications of a film: kept while a player may still use them, removed afterwards.

Players use URLs that were signed when they started, for seven days at most. A publication that was
replaced longer ago can no longer be read. The next publication removes it.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.publish.destination import Destination
from tools.publish.packaging import dash, hls

LONGEST_SIGNATURE = timedelta(days=7)

_VERSION = re.compile(r"\b(\d{8}T\d{6}Z)-[0-9a-f]{8}(?=/)")


class FormerPublications:
    """The publications below a film's prefix, listed before the film is published again."""

    def __init__(self, destination: Destination, movie_id: str, now: datetime) -> None:
        self._client = destination.client
        self._bucket = destination.bucket
        self._prefix = f"movies/{movie_id}/"
        self._now = now
        self.versions = self._find_versions()

    def remove_unreadable(self) -> int:
        """Remove publications without valid URLs; return their number.

        It must be called before the manifests are replaced: the publication to which they refer is
        kept, and their modification time is the time since which the others are unused.
        """
        in_use: set[str] = set()
        replaced_at = []
        for name in (hls.PLAYLIST, dash.MANIFEST):
            if name in self._objects:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                text = answer["Body"].read().decode(errors="replace")
                in_use |= {match[0] for match in _VERSION.finditer(text)}
                replaced_at.append(answer["LastModified"])
        if not replaced_at or self._is_recent(max(replaced_at)):
            return 0
        unreadable = [
            version
            for version in self.versions
            if version not in in_use and not self._is_recent(_begun_at(version))
        ]
        for version in unreadable:
            self._remove(f"{self._prefix}{version}/")
        return len(unreadable)

    def _is_recent(self, moment: datetime) -> bool:
        return self._now - moment <= LONGEST_SIGNATURE

    def _find_versions(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        folders, objects = [], set()
        for page in pages:
            folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            objects |= {each["Key"].removeprefix(self._prefix) for each in page.get("Contents", ())}
        self._objects = objects
        names = (folder.removeprefix(self._prefix) for folder in folders)
        return [match[0] for match in map(_VERSION.match, names) if match]

    def _remove(self, prefix: str) -> None:
        pages: Any = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for key in [each["Key"] for page in pages for each in page.get("Contents", ())]:
            self._client.delete_object(Bucket=self._bucket, Key=key)


def _begun_at(version: str) -> datetime:
    return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
