"""Behaves, correctly or not, as the request's body requests."""

import json
import os
import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: object) -> Any:
    """Do the action that ``do`` names."""
    order = json.loads(event["body"])
    if order["do"] == "crash":
        os._exit(3)
    if order["do"] == "hang":
        Path(order.get("file", os.devnull)).touch()
        time.sleep(60)
    if order["do"] == "raise":
        raise ValueError("as told")
    if order["do"] == "answer":
        return order["answer"]
    if order["do"] == "meet":
        return _meet(Path(order["folder"]), order["count"])
    return {"pid": os.getpid()}


def _meet(folder: Path, count: int) -> dict[str, Any]:
    """Return when that many processes run here concurrently, or after half a second."""
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + 0.5
    while len(list(folder.iterdir())) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return {"pid": os.getpid(), "met": len(list(folder.iterdir()))}
