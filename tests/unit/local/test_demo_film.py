"""The films that the local player page lists."""

import json
from pathlib import Path

from local import demo


def test_published_films_stay_listed(tmp_path: Path) -> None:
    """A published film is listed in later runs, once, under its last title."""
    path = tmp_path / "demo.json"
    assert demo.published_films(path) == []
    path.write_text(json.dumps(demo.demo_document("first run")))

    demo.list_film(path, "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1fff", "Film", ["hls"])
    demo.list_film(path, "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1fff", "The film", ["hls", "dash"])
    document = demo.demo_document("second run", demo.published_films(path))

    assert document["token"] == "second run"
    assert [film["title"] for film in document["films"][2:]] == ["The film"]
    assert len({film["movie_id"] for film in document["films"]}) == 3
