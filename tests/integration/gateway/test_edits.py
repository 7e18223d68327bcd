"""The next request uses edited code; what the former code said is forgotten."""

import os
import time

from tests.integration.gateway.gateway_process import GatewayProcess
from tests.support.waiting import eventually


def test_authorizer_answer_is_cached_by_identity(own: GatewayProcess) -> None:
    """The same token calls the authorizer once, another token calls it again."""

    def calls(token: str) -> int:
        answer = own("GET", "/guarded/x", Authorization=token).json()
        count: int = answer["event"]["requestContext"]["authorizer"]["lambda"]["calls"]
        return count

    assert [calls("one"), calls("one"), calls("two"), calls("one")] == [1, 1, 2, 1]


def test_edited_authorizer_forgets_what_it_said(own: GatewayProcess) -> None:
    """An edit of the authorizer invalidates a cached decision."""
    assert own("GET", "/guarded/x", Authorization="t").status == 200
    code = own.folder / "functions/authorizer/app.py"
    code.write_text("def handler(event, context):\n    return {'isAuthorized': False}\n")
    assert own("GET", "/guarded/x", Authorization="t").status == 403


def test_edit_takes_effect_on_the_next_request(own: GatewayProcess) -> None:
    """The next request uses an edited handler, and an edited layer, each time."""
    layer = own.folder / "layers/shared/python/shared_words.py"
    second = (time.time_ns() // 1_000_000_000 - 60) * 1_000_000_000
    for number, word in enumerate(("first", "other", "third", "forth")):
        layer.write_text(f'WORD = "{word}"\n')
        # The same length within the same second, long enough ago for byte code to be kept.
        saved = second + number * 1_000_000
        os.utime(layer, ns=(saved, saved))
        assert own("GET", "/open/x").json()["word"] == word
    handler = own.folder / "functions/echo/app.py"
    handler.write_text("def handler(event, context):\n    return 'edited'\n")
    assert own("GET", "/open/x").body == b"edited"


def test_broken_edit_is_an_error_until_it_is_repaired(own: GatewayProcess) -> None:
    """A handler that cannot be imported returns 500, its traceback is logged, and it recovers."""
    handler = own.folder / "functions/echo/app.py"
    good = handler.read_text()
    handler.write_text("import no_such_module\n")
    assert own("GET", "/open/x").status == 500
    eventually(lambda: "No module named 'no_such_module'" in own.text)
    handler.write_text(good)
    assert own("GET", "/open/x").status == 200
