"""Detects the encoding of text subtitles, which containers do not declare.

All tracks should be UTF-8. In others, a few words are often all there is, so that the language of
the track decides: its usual encodings are tried first.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain

import chardet

from tools.publish.subtitle_alphabets import encoding_by_alphabet

_WESTERN = "cp1252"
_CENTRAL = ("cp1250", "iso8859-2")
_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5")
_ARABIC = ("cp1256",)
_CHINESE = ("gb18030", "big5hkscs")
_JAPANESE = ("cp932", "euc_jis_2004")
_ISO_2022 = ("iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_ext", "iso2022_kr")
# By the primary subtag of the language; those that are missing are written in `_WESTERN`.
_ENCODINGS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl"), _CENTRAL),
    **dict.fromkeys(("be", "bg", "kk", "mk", "ru", "sr"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur"), _ARABIC),
    "uk": ("cp1251", "koi8-u", "cp866", "iso8859-5"),
    "el": ("cp1253", "iso8859-7"),
    "et": ("cp1257", _WESTERN),
    "he": ("cp1255", "iso8859-8"),
    "ja": _JAPANESE,
    "ko": ("cp949",),
    "lt": ("cp1257",),
    "lv": ("cp1257",),
    "th": ("cp874",),
    "tr": ("cp1254",),
    "vi": ("cp1258",),
    "zh": _CHINESE,
}
_TRADITIONAL_CHINESE = re.compile(r"zh-(?:TW|HK|MO|Hant)\b", re.IGNORECASE)
# The first words of the names of letters in Unicode.
_SCRIPTS: dict[str, frozenset[str]] = {
    **dict.fromkeys((*_CYRILLIC, "koi8-u"), frozenset({"CYRILLIC"})),
    **dict.fromkeys(("cp1253", "iso8859-7"), frozenset({"GREEK"})),
    **dict.fromkeys(("cp1255", "iso8859-8"), frozenset({"HEBREW"})),
    **dict.fromkeys(_ARABIC, frozenset({"ARABIC"})),
    **dict.fromkeys(_JAPANESE, frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})),
    **dict.fromkeys(_CHINESE, frozenset({"CJK"})),
    "cp949": frozenset({"CJK", "HANGUL"}),
    "cp874": frozenset({"THAI"}),
}
_LATIN = tuple(dict.fromkeys((_WESTERN, *_CENTRAL, "cp1254", "cp1257", "cp1258")))
_ALL = tuple(dict.fromkeys((*chain(*_ENCODINGS.values()), *_LATIN)))
_LEAST_SHARE = 0.8
# With fewer accented letters and no language, a guess among the Latin encodings is arbitrary.
_LEAST_LETTERS_TO_TELL_BY = 64
# In short words, such as "été".
_MOST_ACCENTED = 2 / 3
_ISO_2022_ESCAPE = b"\x1b$"
_MARKUP = re.compile(rb"\{\\[ -z|~]*\}|</?[A-Za-z][ -;=?-~]*>")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WORDS = re.compile(rb"[A-Za-z\x80-\xff]+")
_HIGH = re.compile(rb"[\x80-\xff]")


def encoding_of(texts: Iterable[bytes], language: str = "") -> str:
    """Return the encoding of subtitles: UTF-8 if they are valid UTF-8, else the likeliest one.

    `language` is a BCP 47 tag, empty if unknown.
    """
    each_text = [text for text in texts if text]
    if is_utf_8(each_text):
        return "utf-8"
    whole = b"\n".join(_MARKUP.sub(b"", text) for text in each_text)
    if _ISO_2022_ESCAPE in whole and (found := _detect(whole, _ISO_2022)):
        return found
    return _utf_16(each_text) or _single_or_double_byte(whole, _of_language(language))


def _single_or_double_byte(whole: bytes, own: Sequence[str]) -> str:
    """Return the likeliest encoding that extends ASCII; `own` are those of the language."""
    if not own and _is_latin(whole, most=_MOST_ACCENTED):
        found = encoding_by_alphabet(whole)
        if found:
            return found
    is_latin_language = bool(own) and own[0] in _LATIN
    is_latin = _is_latin(whole, is_expected=is_latin_language)
    if own and is_latin == is_latin_language and (found := _best(whole, own)):
        return found
    if not is_latin:
        return _best(whole, [name for name in _ALL if name not in _LATIN]) or _WESTERN
    if len(_HIGH.findall(whole)) < _LEAST_LETTERS_TO_TELL_BY:
        return _WESTERN
    return _best(whole, _LATIN) or _WESTERN


def is_utf_8(texts: Iterable[bytes]) -> bool:
    """Return whether all texts are UTF-8 without control characters.

    Text in UTF-16 and ISO 2022 may be valid UTF-8, but has control characters.
    """
    for text in texts:
        # ffmpeg ends some texts of its packets with a NUL.
        content = text[:-1] if text.endswith(b"\0") else text
        if _CONTROLS.search(content):
            return False
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def _utf_16(texts: Sequence[bytes]) -> str:
    """Return the byte order if the texts are UTF-16, else an empty string.

    Most characters of a text are in one block of Unicode, so that every other byte is the same.
    """
    whole = b"".join(texts)
    if any(len(text) % 2 for text in texts) or not _CONTROLS.search(whole):
        return ""
    for name in sorted(("utf-16-le", "utf-16-be"), key=lambda name: _blocks(whole, name)):
        try:
            text = "".join(each.decode(name) for each in texts)
        except UnicodeDecodeError:
            continue
        letters = [each for each in text if not each.isspace()]
        if letters and sum(map(_is_usual, letters)) >= _LEAST_SHARE * len(letters):
            return name
    return ""


def _blocks(whole: bytes, name: str) -> int:
    """Return the number of blocks of 256 characters in UTF-16, spaces and punctuation apart."""
    high = whole[1::2] if name == "utf-16-le" else whole[::2]
    return len(set(high) - {0})


def _is_usual(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPSM"


def _is_latin(whole: bytes, *, most: float = 0.5, is_expected: bool = False) -> bool:
    """Return whether the letters outside of ASCII are within words of ASCII letters.

    `most` is the largest share of them in their words, or in all words if Latin is expected.
    """
    words = _WORDS.findall(whole)
    letters = b"".join(word for word in words if is_expected or _HIGH.search(word))
    return len(_HIGH.findall(letters)) <= most * len(letters)


def _of_language(language: str) -> Sequence[str]:
    if not language:
        return ()
    if _TRADITIONAL_CHINESE.match(language):
        return _CHINESE[1:]
    return _ENCODINGS.get(language.partition("-")[0].lower(), (_WESTERN,))


def _best(whole: bytes, names: Sequence[str]) -> str:
    """Return the encoding that the library detects, else the first that fits, else nothing."""
    return _detect(whole, names) or next((name for name in names if _fits(whole, name)), "")


def _detect(whole: bytes, names: Sequence[str]) -> str:
    found = chardet.detect(
        whole, include_encodings=names, compat_names=False, no_match_encoding=names[0]
    )["encoding"]
    return found if found and _fits(whole, found) else ""


def _fits(whole: bytes, name: str) -> bool:
    """Return whether the bytes can be decoded, to letters of the scripts of this encoding."""
    try:
        text = whole.decode(name)
    except UnicodeDecodeError:
        return False
    scripts = _SCRIPTS.get(name)
    letters = [each for each in text if each.isalpha() and not each.isascii()]
    if scripts is None or not letters:
        return True
    fitting = sum(unicodedata.name(each, "").split(" ")[0] in scripts for each in letters)
    return fitting >= _LEAST_SHARE * len(letters)
