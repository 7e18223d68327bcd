"""Remote elements (xlink:href) for the tests, and the signed copies of what they name."""

from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import parse, sign

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
ADAPTATION_SET = (
    "<AdaptationSet><Representation id='v'><SegmentTemplate media='$Number$.m4s' duration='2'/>"
    "</Representation></AdaptationSet>"
)


def copy_of(nested: Nested, body: str) -> str:
    """Return the signed copy of a remote element that contains ``body``."""
    manifest = parse(body, nested.path, variables=dict(nested.variables))
    return manifest.render(sign).decode()
