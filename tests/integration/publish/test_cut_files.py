"""Files that end too early are reported as damaged or incomplete."""

from pathlib import Path

import pytest

from tests.integration.publish.joined import recorded
from tests.support.film_maker import h264, vp8
from tools.publish.probe import probe

CUT_SHORT = "its last part are missing"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        pytest.param("film.wmv", ("-c:v", "wmv2", "-c:a", "wmav2"), CUT_SHORT, id="wmv"),
        pytest.param(
            "film.webm", (*vp8(), "-c:a", "libopus", "-live", "1"), CUT_SHORT, id="live webm"
        ),
        pytest.param("film.mkv", (*h264(), "-c:a", "ac3", "-live", "1"), CUT_SHORT, id="live mkv"),
        pytest.param("film.ogv", ("-c:v", "libtheora", "-c:a", "libvorbis"), CUT_SHORT, id="ogv"),
        pytest.param("film.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), CUT_SHORT, id="mpg"),
        pytest.param("film.ts", (*h264(), "-c:a", "ac3"), CUT_SHORT, id="ts"),
        pytest.param(
            "film.m2ts", (*h264(), "-c:a", "ac3", "-mpegts_m2ts_mode", "1"), CUT_SHORT, id="m2ts"
        ),
        pytest.param("film.flv", (*h264(), "-c:a", "aac"), "s are missing of", id="flv"),
        pytest.param(
            "film.flv",
            (*h264(), "-c:a", "aac", "-flvflags", "no_duration_filesize"),
            CUT_SHORT,
            id="live flv",
        ),
    ],
)
def test_truncated_files(tmp_path: Path, name: str, options: tuple[str, ...], told: str) -> None:
    """A file that ends inside a part whose size it declares is damaged, and a whole one is not."""
    whole = tmp_path / f"whole-{name}"
    film = tmp_path / name
    content = recorded(film.suffix, "red", 440, *options)
    whole.write_bytes(content)
    film.write_bytes(content[: len(content) // 2 + 1])

    assert told in probe(film).damage
    assert (probe(whole).damage, probe(whole).warnings) == ("", ())


def test_the_end_of_an_ogg_page(tmp_path: Path) -> None:
    """A file without the mark of its end, cut between two pages, is reported as incomplete."""
    content = recorded(".ogv", "red", 440, "-c:v", "libtheora", "-c:a", "libvorbis")
    film = tmp_path / "film.ogv"
    film.write_bytes(content[: content.index(b"OggS", len(content) // 2)])

    source = probe(film)

    assert source.damage == ""
    assert "lacks the mark at the end" in source.warnings[0]


def test_a_nut_file_without_its_index(tmp_path: Path) -> None:
    """A NUT file without the index at its end is reported as incomplete."""
    content = recorded(".nut", "red", 440, *h264(), "-c:a", "aac")
    film = tmp_path / "film.nut"
    film.write_bytes(content[: len(content) // 2])

    assert "lacks the mark at the end" in probe(film).warnings[0]


def test_the_end_of_a_transport_packet(tmp_path: Path) -> None:
    """A transport stream that ends between two packets, but within a frame, may be incomplete."""
    content = recorded(".ts", "red", 440, *h264(), "-c:a", "ac3")
    film = tmp_path / "film.ts"
    film.write_bytes(content[: -2 * 188])

    source = probe(film)

    assert source.damage == ""
    assert "its last packet is shorter than it declares" in source.warnings[0]


def test_recordings_that_are_cut(tmp_path: Path) -> None:
    """Of joined recordings, it is reported which lacks a part of what it declares."""
    options = (*h264(), "-c:a", "aac", "-movflags", "+faststart")
    content = recorded(".mp4", "red", 440, *options)
    film = tmp_path / "film.mp4"
    film.write_bytes(content + content[: len(content) // 2])

    assert probe(film).damage.startswith("recording 2 of 2: ")
