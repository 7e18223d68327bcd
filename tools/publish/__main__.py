"""Publish a film: `python -m tools.publish FILE`; the last line of its output is the film's id."""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.demo import token_for
from tools.console import Meter, complain, say
from tools.publish.check import check
from tools.publish.destination import Destination, choose
from tools.publish.errors import DoesNotPlay, PublishError
from tools.publish.former_publications import FormerPublications
from tools.publish.interruption import interrupt_on_signals
from tools.publish.options import Options
from tools.publish.packaging.package import Package, new_version, package
from tools.publish.probe import probe
from tools.publish.service_check import Service
from tools.publish.source import Source
from tools.publish.upload import Upload, as_publish_errors, require_writable

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the film on the command line; return the exit code."""
    interrupt_on_signals()
    try:
        publish(Options.parse(arguments, os.environ))
    except PublishError as error:
        complain(str(error))
        return 1
    except OSError as error:
        complain(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        complain("interrupted; the bucket is unchanged")
        return _INTERRUPTED
    return 0


def publish(options: Options) -> None:
    """Probe, encode, upload and check a film. Raises `PublishError` and `KeyboardInterrupt`."""
    source = probe(options.file)
    if source.damage and not options.is_incomplete_allowed:
        raise PublishError(
            f"{options.file}: the file is incomplete or damaged, {source.damage}; "
            'PUBLISH_ARGS="--incomplete" publishes the readable part'
        )
    destination = choose(
        os.environ,
        bucket=options.bucket,
        endpoint_url=options.endpoint_url,
        region=options.region,
        profile=options.profile,
    )
    with as_publish_errors(destination.bucket):
        # Checked before hours of encoding: the bucket answers, and can be read and written.
        former = FormerPublications(destination, options.movie_id, datetime.now(UTC))
        require_writable(destination, options.movie_id)
    _describe(source)
    with tempfile.TemporaryDirectory(prefix="publish-") as folder:
        packaged = _encode(source, Path(folder) / "film", options)
        upload = Upload(destination, options.movie_id, packaged)
        with as_publish_errors(destination.bucket):
            former.remove_unreadable()
        _upload(upload)
        try:
            if options.is_checked:
                check(packaged, destination, options.movie_id, _service(options, destination))
        except DoesNotPlay as error:
            upload.undo()
            raise PublishError(f"the film was removed from the bucket again: {error}") from error
        except PublishError as error:
            _announce(options, destination)
            raise PublishError(f"{options.movie_id} is published, but {error}") from error
        except KeyboardInterrupt:
            say(f"Interrupted; {options.movie_id} is published, but not checked completely")
        _announce(options, destination)
    print(options.movie_id)


def _describe(source: Source) -> None:
    video = source.video
    say(
        f"{source.path.name}: {source.duration_seconds:.1f} s, {video.width}x{video.height} at "
        f"{float(video.frame_rate):.5g} frames/s, {len(source.audio)} audio and "
        f"{len(source.subtitles)} subtitle tracks"
    )
    for track in source.left_out:
        say(f"Left out: {track}")
    if source.damage:
        say(f"Warning: the file is incomplete or damaged, {source.damage}")
    for warning in source.warnings:
        say(f"Warning: {warning}")


def _encode(source: Source, folder: Path, options: Options) -> Package:
    meter = Meter("Encoding")
    packaged = package(
        source,
        folder,
        version=new_version(time.time()),
        title=options.title,
        preset=options.preset,
        on_seconds=lambda seconds: meter.show(seconds / source.duration_seconds),
        subtitle_encoding=options.subtitle_encoding,
        is_incomplete_allowed=options.is_incomplete_allowed,
    )
    rungs = (f"{video.rung.width}x{video.rung.height}" for video in packaged.film.video)
    meter.finish(", ".join(rungs))
    for note in packaged.notes:
        say(f"Warning: {note}")
    return packaged


def _upload(upload: Upload) -> None:
    meter = Meter("Uploading")

    def show(files: int, sent: int, of_files: int) -> None:
        meter.show(files / of_files, f"{files} of {of_files} files, {sent / 1e6:.1f} MB")

    upload.run(show)
    meter.finish()


def _announce(options: Options, destination: Destination) -> None:
    if destination.local:
        destination.local.list_film(options.movie_id, options.title)
    say(f"Published {options.title} to {destination.endpoint}, bucket {destination.bucket}")


def _service(options: Options, destination: Destination) -> Service | None:
    if options.api_url and options.token:
        return Service(options.api_url, options.token)
    if destination.local is None:
        return None
    settings = destination.local.settings
    admin = token_for(settings["DEMO_USER_ID"], settings["JWT_SECRET_KEY"], role="admin")
    say(f"Player: {settings['API_URL']}/, film {options.title}")
    return Service(settings["API_URL"], settings["DEMO_TOKEN"], admin)


if __name__ == "__main__":
    sys.exit(main())
