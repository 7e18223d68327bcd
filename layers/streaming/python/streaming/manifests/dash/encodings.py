"""The encoding of an MPD, which players read whatever it declares."""

import re

from streaming.manifests.errors import NotAManifest

_UTF16_START = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?(\s*)<\?xml\s[^>]*>")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)["']""")
_UTF8 = (b"utf-8", b"utf8")
# A body that begins with a byte for "<" is not in these encodings, and ASCII is part of UTF-8. .NET
# writes utf-16 into files that it stores as UTF-8, and players ignore the declaration.
_DECLARED_WRONGLY = re.compile(
    rb"(?:iso-10646-)?(?:utf|ucs)-?(?:16|32|2|4)(?:[lb]e)?|(?:us-)?ascii"
)


def ascii_compatible(body: bytes) -> bytes:
    """Return the body in UTF-8 or, if it declares another one, in that.

    Raises ``NotAManifest`` if it begins like UTF-16 and is not.
    """
    if not body.startswith(_UTF16_START):
        return _utf8_or_declared(body)
    has_mark = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    guess = "utf-16" if has_mark else "utf-16-le" if body.startswith(b"<") else "utf-16-be"
    try:
        source = body.decode(guess).encode()
    except UnicodeDecodeError as error:
        raise NotAManifest("the manifest begins like UTF-16 but is not UTF-16") from error
    return _without_encoding(source)


def _utf8_or_declared(body: bytes) -> bytes:
    """Return the body in UTF-8, or unchanged if it declares another encoding that is possible.

    Removes white space before the declaration, which players tolerate and XML does not allow.
    """
    declaration = DECLARATION.match(body[:1024])
    if declaration is None:
        return body.decode(errors="replace").encode()
    if declaration[1]:
        body = body[declaration.end(1) :]
    named = _ENCODING.search(declaration[0])
    encoding = named[1].lower() if named else _UTF8[0]
    if encoding not in _UTF8 and not _DECLARED_WRONGLY.fullmatch(encoding):
        return body
    body = body.decode(errors="replace").encode()
    return body if encoding == _UTF8[0] else _without_encoding(body)


def _without_encoding(source: bytes) -> bytes:
    """Return the source without the encoding that it declares."""
    declaration = DECLARATION.match(source)
    if declaration is None:
        return source
    return _ENCODING.sub(b"", declaration[0], count=1) + source[declaration.end() :]
