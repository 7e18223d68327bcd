"""Converts the packets of text subtitles to the text of a WebVTT cue.

WebVTT: https://www.w3.org/TR/webvtt1/
"""

import re
from collections.abc import Callable, Mapping

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# SubRip markup that WebVTT has as well, and markup without an equivalent.
_KEPT_TAG = re.compile(r"</?[biu]>", re.IGNORECASE)
_DROPPED_TAG = re.compile(r"</?font(?:\s[^<>]*)?>|</?[sv]>|\{\\[^{}]*\}", re.IGNORECASE)
_MARKUP = re.compile(f"({_KEPT_TAG.pattern})|({_DROPPED_TAG.pattern})", re.IGNORECASE)
# The text is the ninth field of a line of dialogue, as Matroska stores it.
_FIELDS_BEFORE_ASS_TEXT = 8
_ASS_OVERRIDES = re.compile(r"\{([^{}]*)\}")
_ASS_STYLE = re.compile(r"\\([biu])(\d+)")
_ASS_DRAWING = re.compile(r"\\p[1-9]")
_ASS_BREAK = re.compile(r"\\[Nn]")
_WEBVTT_MARKUP = re.compile(
    r"</?(?:[bciuv]|lang|rt|ruby)(?:\.[^\s<>.]+)*(?:[ \t][^<>]*)?(?<!--)>"
    r"|<(?:\d+:)?\d\d:\d\d\.\d{3}>|&(?:[a-zA-Z]+|#\d+|#[xX][0-9a-fA-F]+);"
)
_LENGTH_BYTES = 2
_UTF_16 = (b"\xfe\xff", b"\xff\xfe")


def from_subrip(text: str) -> str:
    """Return SubRip text: tags that WebVTT has are kept, all other text is shown as written."""
    parts, at = [], 0
    for match in _MARKUP.finditer(text):
        parts += [text[at : match.start()].translate(_ESCAPES), (match[1] or "").lower()]
        at = match.end()
    return _balanced("".join((*parts, text[at:].translate(_ESCAPES))))


def from_ass(line: str) -> str:
    """Return a dialogue line of (Advanced) SubStation Alpha, with only the styles b, i and u."""
    fields = line.split(",", _FIELDS_BEFORE_ASS_TEXT)
    text = fields[-1] if len(fields) > _FIELDS_BEFORE_ASS_TEXT else line
    parts, at, is_drawing = [], 0, False
    for match in _ASS_OVERRIDES.finditer(text):
        if not is_drawing:
            parts.append(_ass_words(text[at : match.start()]))
        parts += [
            f"<{tag}>" if int(weight) else f"</{tag}>"
            for tag, weight in _ASS_STYLE.findall(match[1])
        ]
        is_drawing = bool(_ASS_DRAWING.search(match[1])) or (is_drawing and "\\p0" not in match[1])
        at = match.end()
    if not is_drawing:
        parts.append(_ass_words(text[at:]))
    return _balanced("".join(parts))


def from_plain(text: str) -> str:
    """Return plain text, escaped so that it is shown as written."""
    return text.translate(_ESCAPES)


def from_webvtt(text: str) -> str:
    """Return the text of a WebVTT cue: tags and character references are kept, the rest escaped.

    ffmpeg writes `<` and `&` as they are. A tag that ends like an arrow would end the cue.
    """
    parts, at = [], 0
    for match in _WEBVTT_MARKUP.finditer(text):
        parts += [text[at : match.start()].translate(_ESCAPES), match[0]]
        at = match.end()
    return "".join((*parts, text[at:].translate(_ESCAPES)))


def unwrapped_mov_text(packet: bytes) -> bytes:
    """Return the text of a timed text sample (3GPP TS 26.245), without its length and styles."""
    length = int.from_bytes(packet[:_LENGTH_BYTES])
    text = packet[_LENGTH_BYTES : _LENGTH_BYTES + length]
    return text.decode("utf-16", "replace").encode() if text[:2] in _UTF_16 else text


TO_CUE: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("ass", "ssa"), from_ass),
    **dict.fromkeys(("srt", "subrip"), from_subrip),
    **dict.fromkeys(("mov_text", "text"), from_plain),
    "webvtt": from_webvtt,
}
TEXT_CODECS = frozenset(TO_CUE)


def _ass_words(text: str) -> str:
    return _ASS_BREAK.sub("\n", text).replace("\\h", "\N{NO-BREAK SPACE}").translate(_ESCAPES)


def _balanced(text: str) -> str:
    """Close the tags that are open at the end, and drop closing tags without an opening one."""
    open_tags: list[str] = []
    parts, at = [], 0
    for match in _KEPT_TAG.finditer(text):
        tag = match[0].strip("</>").lower()
        parts.append(text[at : match.start()])
        at = match.end()
        if match[0][1] != "/":
            if tag not in open_tags:
                open_tags.append(tag)
                parts.append(match[0])
        elif tag in open_tags:
            # WebVTT requires tags to be closed in reverse order.
            after = open_tags[open_tags.index(tag) + 1 :]
            parts += [f"</{each}>" for each in reversed(after)]
            parts.append(f"</{tag}>")
            parts += [f"<{each}>" for each in after]
            open_tags.remove(tag)
    return "".join((*parts, text[at:], *(f"</{each}>" for each in reversed(open_tags))))
