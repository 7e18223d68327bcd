"""Tells the encodings of Latin letters apart by the alphabets of languages.

The same bytes are letters in several encodings, but few of these results are words of a language: a
few words of subtitles have only letters of its alphabet, and no symbols between letters.
"""

from collections.abc import Mapping, Sequence

_WINDOWS: Sequence[tuple[str, str]] = (
    ("cp1252", "àâæçèéêëîïôœùûüÿ"),  # French
    ("cp1252", "áéíñóúü"),  # Spanish
    ("cp1252", "äéöüß"),  # German
    ("cp1252", "àáâãçéêíòóôõú"),  # Portuguese
    ("cp1252", "àèéìíîòóùú"),  # Italian
    ("cp1252", "àáâèéêëíïóôöúü"),  # Dutch
    ("cp1252", "äåéö"),  # Swedish and Finnish
    ("cp1252", "åæéèêóòøü"),  # Danish and Norwegian
    ("cp1250", "ąćęłńóśźż"),  # Polish
    ("cp1254", "âçîûüğışö"),  # Turkish
    ("cp1250", "áčďéěíňóřšťúůýž"),  # Czech
    ("cp1250", "áéíóöúüőű"),  # Hungarian
    ("cp1252", "àçèéíïòóúü"),  # Catalan
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),  # Slovak
    ("cp1250", "ćčđšž"),  # Croatian, Bosnian, Serbian and Slovenian
    ("cp1250", "âîăşţ"),  # Romanian
    ("cp1252", "áæéíðóöúýþ"),  # Icelandic
    ("cp1257", "ąčėęįšūųž"),  # Lithuanian
    ("cp1257", "āčēģīķļņšūž"),  # Latvian
    ("cp1257", "äõöšüž"),  # Estonian
)
# The encodings of other systems for the languages of one of Windows.
_OTHERS: Mapping[str, Sequence[str]] = {
    "cp1252": ("iso8859-15", "cp850", "mac_roman"),
    "cp1250": ("iso8859-2", "cp852"),
    "cp1254": ("cp857",),
    "cp1257": ("iso8859-13",),
}
_ORDINALS = frozenset("ªº")
_WITHIN_WORDS = frozenset("\N{RIGHT SINGLE QUOTATION MARK}\N{EN DASH}\N{EM DASH}…·\N{SOFT HYPHEN}")
_AROUND_WORDS = _WITHIN_WORDS | frozenset(
    "\N{LEFT SINGLE QUOTATION MARK}\N{SINGLE LOW-9 QUOTATION MARK}\N{NO-BREAK SPACE}\N{EURO SIGN}"
    "“”„«»¡¿°§£©®™½¼¾¹²³♪♫"
)
_BEFORE_WORDS = frozenset("¡¿")


def encoding_by_alphabet(text: bytes) -> str:
    """Return the encoding by which all letters are of one language, empty if there is none."""
    candidates = [
        *_WINDOWS,
        *((name, alphabet) for windows, alphabet in _WINDOWS for name in _OTHERS[windows]),
    ]
    for name, alphabet in candidates:
        try:
            words = text.decode(name)
        except UnicodeDecodeError:
            continue
        letters = {each for each in words.lower() if each.isalpha() and not each.isascii()}
        letters -= _ORDINALS
        if letters and letters <= set(alphabet) and _is_written(words):
            return name
    return ""


def _is_written(words: str) -> bool:
    """Return whether symbols are where texts have them, and capitals at the beginning of words."""
    for before, each, after in zip(f" {words[:-1]}", words, f"{words[1:]} ", strict=True):
        if each.isascii():
            continue
        if each.isalpha():
            if each.isupper() and before.islower():
                return False
            continue
        is_within = before.isalpha() and (after.isalpha() or each in _BEFORE_WORDS)
        if each not in (_WITHIN_WORDS if is_within else _AROUND_WORDS):
            return False
    return True
