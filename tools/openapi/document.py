"""The whole OpenAPI document."""

from typing import Any

from tools.openapi.paths import paths
from tools.openapi.schemas import schemas

VERSION = "1.0.0"


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streaming Service",
            "version": VERSION,
            "description": "A playback gateway for video on demand from a private S3 bucket.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Playback", "description": "Start a film, report the position, stop."},
            {"name": "Watching", "description": "Saved positions."},
            {"name": "Analytics", "description": "What was watched, for administrators."},
            {"name": "Service", "description": "About the service itself."},
        ],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }
