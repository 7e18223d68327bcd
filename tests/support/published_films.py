"""Films packaged as publishing does, and what is seen and heard in them."""

from pathlib import Path

from tools.publish.packaging.package import Package, package
from tools.publish.probe import probe
from tools.publish.source import Source

WHOLE_GREEN = [(0.0, "green")]


def published(film: Path, folder: Path, *, subtitle_encoding: str = "") -> tuple[Source, Package]:
    """Package a film as publishing does, before the upload."""
    source = probe(film)
    made = package(
        source,
        folder / "package",
        version="v",
        title="",
        preset="ultrafast",
        on_seconds=lambda _: None,
        subtitle_encoding=subtitle_encoding,
    )
    return source, made


def tone_at(tones: list[tuple[float, int]], seconds: float) -> int:
    """Return the audible tone at a time."""
    return [hertz for start, hertz in tones if start <= seconds][-1]
