"""Writes the document to the file given on the command line."""

import json
import sys
from pathlib import Path

from tools.openapi.document import document


def main() -> None:
    """Write the document to the file given on the command line."""
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
