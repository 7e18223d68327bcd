"""The command line: the film, its destination, and the check."""

import argparse
import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from streaming.domain.identifiers import parse_uuid, uuid7
from tools.publish.encoding import PRESETS
from tools.publish.errors import PublishError


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one publication."""

    file: Path
    movie_id: str
    title: str
    preset: str
    bucket: str | None
    endpoint_url: str | None
    region: str | None
    profile: str | None
    api_url: str | None
    token: str | None
    subtitle_encoding: str
    is_checked: bool
    is_incomplete_allowed: bool

    @classmethod
    def parse(cls, arguments: Sequence[str] | None, environment: Mapping[str, str]) -> "Options":
        """Read the options from the command line, or else from the environment.

        Raises `PublishError` for a wrong value, and `SystemExit` for --help and a wrong option.
        """
        given = _parser().parse_args(arguments)
        if not given.file:
            raise PublishError("name the film: make publish FILE=film.mp4")
        file = Path(given.file)
        now = int(datetime.now(UTC).timestamp() * 1000)
        movie_id = parse_uuid(given.movie_id) if given.movie_id else uuid7(now)
        if movie_id is None:
            raise PublishError(f"MOVIE_ID {given.movie_id!r} is not a UUID")
        return cls(
            file=file,
            movie_id=str(movie_id),
            title=" ".join((given.title or file.stem).split()),
            preset=given.preset,
            bucket=given.bucket,
            endpoint_url=given.endpoint_url,
            region=given.region,
            profile=given.profile,
            api_url=given.api_url or environment.get("API_URL"),
            token=environment.get("TOKEN"),
            subtitle_encoding=_known_encoding(given.subtitle_encoding),
            is_checked=not given.no_check,
            is_incomplete_allowed=given.incomplete,
        )


def _known_encoding(name: str | None) -> str:
    """Return the name of a text encoding, empty if none is given. Raises `PublishError`."""
    if not name:
        return ""
    try:
        # This raises LookupError for a codec that is not a text encoding, too, but not if empty.
        b"A".decode(name, "replace")
    except LookupError:
        raise PublishError(f"--subtitle-encoding {name!r} is not a known encoding") from None
    return codecs.lookup(name).name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.publish",
        description="Publish a film to the bucket, in HLS and DASH, and verify that it plays.",
        epilog="The credentials of a real bucket come from the AWS default credential chain. The "
        "check starts the film at API_URL with the access token TOKEN of the environment.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", help="the film, in any format that ffmpeg reads")
    parser.add_argument("--movie-id", help="its UUID; an existing film is replaced (default: new)")
    parser.add_argument("--title", help="default: the file's name")
    parser.add_argument("--preset", default="fast", choices=PRESETS, help="of x264, default: fast")
    parser.add_argument("--bucket", help="default: S3_BUCKET_NAME, else the local stack's")
    parser.add_argument("--endpoint-url", help="default: S3_ENDPOINT_URL, else AWS")
    parser.add_argument("--region", help="default: S3_REGION, else AWS_REGION")
    parser.add_argument("--profile", help="a profile of the AWS configuration")
    parser.add_argument("--api-url", help="default: API_URL, else the local stack's")
    parser.add_argument(
        "--subtitle-encoding", metavar="NAME", help="of subtitles that are not UTF-8, e.g. cp1251"
    )
    parser.add_argument("--no-check", action="store_true", help="do not play the film afterwards")
    parser.add_argument(
        "--incomplete", action="store_true", help="publish the readable part of a damaged file"
    )
    return parser
