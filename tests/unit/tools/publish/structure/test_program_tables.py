"""The program tables of transport streams, from bytes written by hand."""

import zlib
from io import BytesIO

import pytest

from tools.publish.structure import transport_stream
from tools.publish.structure.program_tables import replacements

PACKET = 188
H264, AAC, PRIVATE = 0x1B, 0x0F, 0x06
TELETEXT = bytes((0x56, 0))
FILM = ((H264, 0x100), (AAC, 0x101))
REVERSED_BITS = bytes(int(f"{number:08b}"[::-1], 2) for number in range(256))


def section(table: int, number: int, content: bytes, version: int = 0) -> bytes:
    """A section of a table with its checksum."""
    head = bytes((table,)) + (0xB000 | len(content) + 9).to_bytes(2, "big")
    head += number.to_bytes(2, "big") + bytes((0xC1 | version << 1, 0, 0))
    whole = head + content
    checksum = zlib.crc32(whole.translate(REVERSED_BITS)) ^ 0xFFFFFFFF
    return whole + checksum.to_bytes(4, "little").translate(REVERSED_BITS)


def packet(identifier: int, payload: bytes, *, is_start: bool) -> bytes:
    """A packet of the stream, filled with an adaptation field."""
    room = PACKET - 4 - len(payload)
    head = bytes((0x47, identifier >> 8 | 0x40 * is_start, identifier & 0xFF))
    if not room:
        return head + b"\x10" + payload
    adaptation = bytes((room - 1,)) + b"\0" * min(1, room - 1) + b"\xff" * max(0, room - 2)
    return head + b"\x30" + adaptation + payload


def packets(identifier: int, whole: bytes) -> bytes:
    """The packets of a section, which begins after a pointer to it."""
    payload = b"\0" + whole
    parts = [payload[at : at + PACKET - 4] for at in range(0, len(payload), PACKET - 4)]
    return b"".join(
        packet(identifier, part, is_start=number == 0) for number, part in enumerate(parts)
    )


def programs(tables: dict[int, int]) -> bytes:
    """The table of programs: the packet identifier of each program's tracks."""
    entries = b"".join(
        number.to_bytes(2, "big") + (0xE000 | identifier).to_bytes(2, "big")
        for number, identifier in tables.items()
    )
    return packets(0, section(0, 1, entries))


def tracks(
    *entries: tuple[int, int] | tuple[int, int, bytes], at: int = 0x1000, program: int = 1
) -> bytes:
    """The table of a program's tracks: stream type, packet identifier and descriptors of each."""
    content = b"\xe1\x00\xf0\x00"
    for kind, identifier, *descriptors in entries:
        told = b"".join(descriptors)
        content += bytes((kind,)) + (0xE000 | identifier).to_bytes(2, "big")
        content += (0xF000 | len(told)).to_bytes(2, "big") + told
    return packets(at, section(2, program, content))


def media(*identifiers: int, count: int = 20) -> bytes:
    """Packets of tracks, whose content could be taken for that of tables."""
    return b"".join(
        packet(identifier, b"\0\0\xb0\x0d\0\1\xc1\0\0" * 10, is_start=number == 0)
        for number in range(count)
        for identifier in identifiers
    )


def recording(
    *entries: tuple[int, int] | tuple[int, int, bytes], at: int = 0x1000, program: int = 1
) -> bytes:
    """A recording that repeats its tables."""
    tables = programs({program: at}) + tracks(*entries, at=at, program=program)
    return (tables + media(*(each[1] for each in entries))) * 3


def starts(stream: bytes) -> tuple[int, ...]:
    """Where tracks replace others, by the outline of a transport stream."""
    return transport_stream.read(BytesIO(stream), len(stream)).starts


OTHER_TRACKS = recording((H264, 0x200), (AAC, 0x201))


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(OTHER_TRACKS, id="other identifiers"),
        pytest.param(recording((H264, 0x100), (AAC, 0x201)), id="another one for the sound"),
        pytest.param(recording((H264, 0x100), (0x03, 0x101)), id="another kind of sound"),
        pytest.param(recording((H264, 0x200), (AAC, 0x201), program=7), id="another program"),
        pytest.param(recording((H264, 0x200), (AAC, 0x201), at=0x100), id="a table where was film"),
        pytest.param(recording(*FILM, (AAC, 0x102), program=7), id="another program, alike"),
    ],
)
def test_recordings_with_other_tracks(second: bytes) -> None:
    """A recording begins with its first table, also if one follows that is like the first."""
    first = recording(*FILM)

    assert starts(first + second) == (len(first),)
    assert starts(first + second + first) == (len(first), len(first + second))


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(recording(*FILM), id="the same"),
        pytest.param(recording(*FILM, (AAC, 0x102)), id="another track"),
        pytest.param(recording(FILM[0]), id="a track less"),
        pytest.param(recording(*FILM, (PRIVATE, 0x300, TELETEXT)), id="teletext"),
    ],
)
def test_tracks_that_stay(second: bytes) -> None:
    """Tracks that are added or removed replace none, and text is neither picture nor sound."""
    first = recording(*FILM, (PRIVATE, 0x102, TELETEXT))

    assert starts(first + second) == ()


def test_channels_of_opus() -> None:
    """Opus has its channels in the table, so that other ones begin another recording."""
    stereo, surround = (bytes((0x7F, 2, 0x80, channels)) for channels in (2, 6))
    first = recording((H264, 0x100), (PRIVATE, 0x101, stereo))
    second = recording((H264, 0x100), (PRIVATE, 0x101, surround))

    assert starts(first + first) == ()
    assert starts(first + second) == (len(first),)


def test_programs_of_one_multiplex() -> None:
    """Programs that a stream has side by side do not replace each other."""
    tables = programs({1: 0x1000, 2: 0x1001, 3: 0x1002})
    tables += tracks(*FILM) + tracks((H264, 0x200), at=0x1001, program=2)
    stream = (tables + media(0x100, 0x101, 0x200)) * 3

    assert starts(stream) == ()


def test_tables_of_several_packets() -> None:
    """A table may be longer than a packet."""
    long = tuple((AAC, 0x400 + number, b"\x0a\x04ger\0") for number in range(40))
    first = recording((H264, 0x100), *long)

    assert starts(first + OTHER_TRACKS) == (len(first),)


def test_damaged_tables() -> None:
    """A table whose checksum is wrong does not count."""
    first = recording(*FILM)
    damaged = bytearray(OTHER_TRACKS)
    for at in range(0, len(damaged), PACKET):
        if damaged[at + 1] & 0x1F == 0x10:
            damaged[at + PACKET - 1] ^= 1

    assert starts(first + bytes(damaged)) == ()


@pytest.mark.parametrize("lost", [b"", b"\x47" * 100, bytes(500), media(0x100)[:70]])
def test_packets_that_are_lost(lost: bytes) -> None:
    """Recordings are told apart if bytes between them are missing or were added."""
    first = recording(*FILM)[:-50] + lost

    assert starts(first + OTHER_TRACKS) == (len(first),)


@pytest.mark.parametrize("size", [192, 204])
def test_longer_packets(size: int) -> None:
    """Packets may have a time before them, or a checksum after them."""
    before, after = (b"\1\2\3\4", b"") if size == 192 else (b"", bytes(16))
    first, stream = (
        b"".join(before + whole[at : at + PACKET] + after for at in range(0, len(whole), PACKET))
        for whole in (recording(*FILM), recording(*FILM) + OTHER_TRACKS)
    )

    begins_at = len(first) + len(before)
    assert starts(stream) == (begins_at,)


def test_bytes_that_are_no_packets() -> None:
    """A file without packets has no tables."""
    assert replacements(BytesIO(bytes(10_000)), 0, 10_000, PACKET).offsets == ()


def test_stuffing_without_end() -> None:
    """The stuffing after a table is not kept until another table begins."""
    stream = packet(0, b"\0" + b"\xff" * 183, is_start=True)
    stream += packet(0, b"\xff" * 184, is_start=False) * 100_000

    assert starts(stream + recording(*FILM)) == ()


def test_as_many_programs_as_there_are_identifiers() -> None:
    """The next packet of a table is found without a comparison with all other tables."""
    several = (range(first, first + 100) for first in range(32, 8_000, 100))
    tables = b"".join(programs({each: each for each in identifiers}) for identifiers in several)
    stuffing = (packet(32 + each % 8_000, b"\xff" * 184, is_start=False) for each in range(20_000))

    assert starts(tables + b"".join(stuffing)) == ()
