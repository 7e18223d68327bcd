"""Encrypted files are called encrypted, not damaged."""

from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264, picture, tone
from tools.publish.errors import PublishError
from tools.publish.probe import probe

KEY = (
    *("-encryption_scheme", "cenc-aes-ctr"),
    *("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"),
    *("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"),
)
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")


def film(path: Path, *options: str) -> Path:
    """A film of two seconds."""
    ffmpeg(*picture("green", 2), *tone(440, 2), *options, str(path))
    return path


@pytest.mark.parametrize("options", [(), FRAGMENTS], ids=["whole", "fragments"])
def test_common_encryption(tmp_path: Path, options: tuple[str, ...]) -> None:
    """An MP4 in Common Encryption is refused as encrypted, and not as damaged."""
    path = film(tmp_path / "film.mp4", *h264(), "-c:a", "aac", *KEY, *options)

    with pytest.raises(PublishError, match="it is encrypted") as refused:
        probe(path)
    assert "damaged" not in str(refused.value)


def test_a_clear_beginning(tmp_path: Path) -> None:
    """A film whose first fragments are clear is encrypted, too."""
    clear = film(tmp_path / "clear.mp4", *h264(), "-c:a", "aac", *FRAGMENTS).read_bytes()
    path = film(tmp_path / "film.mp4", *h264(), "-c:a", "aac", *KEY, *FRAGMENTS)
    secret = path.read_bytes()
    path.write_bytes(
        secret[: secret.index(b"moof") - 4]
        + clear[clear.index(b"moof") - 4 : clear.index(b"mfra") - 4]
        + secret[secret.index(b"moof") - 4 :]
    )

    with pytest.raises(PublishError, match="it is encrypted"):
        probe(path)


def test_encrypted_sound(tmp_path: Path) -> None:
    """If only the sound is encrypted, the film is published without it, and this is reported."""
    path = film(tmp_path / "film.mov", *h264(), "-c:a", "aac")
    content = path.read_bytes()
    entry = content.rindex(b"mp4a", 0, content.rindex(b"wave"))
    path.write_bytes(content[:entry] + b"drms" + content[entry + 4 :])

    source = probe(path)

    assert source.left_out == ("audio track 1: it is encrypted",)
    assert source.audio == ()


def test_a_scrambled_transport_stream(tmp_path: Path) -> None:
    """A recording of a scrambled channel is refused as encrypted."""
    path = film(tmp_path / "film.ts", *h264(), "-c:a", "aac")
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 188):
        if int.from_bytes(content[at + 1 : at + 3], "big") & 0x1FFF in (256, 257):
            content[at + 3] |= 0x80
    path.write_bytes(content)

    with pytest.raises(PublishError, match="it is encrypted"):
        probe(path)


def test_protected_windows_media(tmp_path: Path) -> None:
    """Windows Media with a Content Encryption Object is refused as encrypted."""
    path = film(tmp_path / "film.wmv", "-c:v", "wmv2", "-c:a", "wmav2")
    content = path.read_bytes()
    size = int.from_bytes(content[16:24], "little")
    protection = ASF_ENCRYPTION + (40).to_bytes(8, "little") + bytes(16)
    count = int.from_bytes(content[24:28], "little") + 1
    path.write_bytes(
        ASF_HEADER
        + (size + len(protection)).to_bytes(8, "little")
        + count.to_bytes(4, "little")
        + content[28:size]
        + protection
        + content[size:]
    )

    with pytest.raises(PublishError, match="it is encrypted"):
        probe(path)
