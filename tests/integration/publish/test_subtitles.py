# ruff: noqa: RUF001 - text in other scripts
"""Subtitles of a film in any encoding, packaged as WebVTT."""

from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264, picture
from tests.support.published_films import published
from tools.publish.errors import PublishError
from tools.publish.options import Options
from tools.publish.packaging.package import Package


def film_with(folder: Path, name: str, language: str, *texts: bytes) -> Path:
    """A film with a track of SubRip subtitles of these bytes, one cue a second from the first."""
    # Muxers refuse bytes that are not UTF-8, so that the bytes replace others of the same number.
    stand_ins = [bytes([ord("A") + number]) * len(text) for number, text in enumerate(texts)]
    words = folder / "words.srt"
    words.write_bytes(
        b"".join(
            b"%d\n00:00:0%d,000 --> 00:00:0%d,500\n%s\n\n" % (number, number, number, text)
            for number, text in enumerate(stand_ins, 1)
        )
    )
    film = folder / name
    ffmpeg(
        *(*picture("green", 4, rate=10), "-i", str(words), "-map", "0", "-map", "1", *h264()),
        *("-c:s", "srt", "-metadata:s:s:0", f"language={language}", "-write_crc32", "0"),
        str(film),
    )
    content = film.read_bytes()
    for stand_in, text in zip(stand_ins, texts, strict=True):
        assert content.count(stand_in) == 1
        content = content.replace(stand_in, text)
    film.write_bytes(content)
    return film


def packaged(film: Path, *, encoding: str = "") -> Package:
    """Package a film with subtitles of that encoding."""
    _, made = published(film, film.parent, subtitle_encoding=encoding)
    return made


def cues(made: Package) -> list[str]:
    """Return the texts of the cues of the only text track."""
    (text,) = made.film.text
    _, *blocks = (made.folder / text.path).read_text("utf-8").strip().split("\n\n")
    assert all(" --> " in block.splitlines()[0] for block in blocks)
    return [block.partition("\n")[2] for block in blocks]


@pytest.mark.parametrize(
    ("name", "language", "encoding", "text"),
    [
        ("film.mkv", "jpn", "shift_jis", "ケーキを食べたい"),
        ("film.ja.mkv", "und", "euc_jp", "待ってくれ！"),
        ("film.mkv", "chi", "big5", "我不知道。快走"),
        ("film.mkv", "kor", "euc_kr", "고마워요 서울"),
        ("film.mkv", "rus", "cp1251", "Где он сейчас?"),
        ("film.mkv", "rus", "utf-16-le", "Где он сейчас?"),
        ("film.mkv", "pol", "cp1250", "Dziękuję, żono"),
        ("film.tr.mkv", "und", "cp1254", "Işığı kapat, lütfen"),
    ],
)
def test_short_subtitles_in_other_encodings(
    tmp_path: Path, name: str, language: str, encoding: str, text: str
) -> None:
    """One cue is published in the right letters, and the assumed encoding is reported."""
    made = packaged(film_with(tmp_path, name, language, text.encode(encoding)))

    assert cues(made) == [text]
    (note,) = made.notes
    assert note.startswith("subtitle track 1 is read as ")
    assert "--subtitle-encoding NAME" in note


def test_an_encoding_that_is_named(tmp_path: Path) -> None:
    """The operator names the encoding of subtitles, and no guess is reported."""
    words = "Где он сейчас?"
    film = film_with(tmp_path, "film.mkv", "eng", words.encode("cp866"))
    named = Options.parse([str(film), "--subtitle-encoding=CP866"], {}).subtitle_encoding

    made = packaged(film, encoding=named)

    assert cues(made) == [words]
    assert made.notes == ()


@pytest.mark.parametrize("name", ["cp99999", "rot13", "hex"])
def test_an_encoding_that_does_not_exist(name: str) -> None:
    """An unknown encoding, and a codec that is not one of text, are refused."""
    with pytest.raises(PublishError, match="is not a known encoding"):
        Options.parse(["film.mkv", f"--subtitle-encoding={name}"], {})


def test_carriage_returns_end_no_cue(tmp_path: Path) -> None:
    """Empty lines of CR do not end a cue, and the cues after it are kept."""
    film = film_with(
        tmp_path, "film.mkv", "eng", b"one\r\rtwo\rthree\r", b"four\r\n\r\nfive", b"\rsix six"
    )

    assert cues(packaged(film)) == ["one\ntwo\nthree", "four\nfive", "six six"]
