"""Prints the sizes of the output of `sam build`: Lambda limits them, and they slow cold starts."""

import io
import sys
import zipfile
from pathlib import Path

# Lambda rejects a function whose unzipped code and layers are larger than this.
LARGEST_MB = 250


def main(build: Path, functions: Path) -> int:
    """Print the sizes; return 1 if Lambda would reject a function with its layers."""
    layers = [path for path in sorted(build.iterdir()) if path.is_dir()]
    total = sum(_describe(layer.name, layer) for layer in layers)
    largest = max(_describe(f"functions/{path.name}", path) for path in sorted(functions.iterdir()))
    print(f"{'the largest function':28}{total + largest:7.1f} MB of {LARGEST_MB}")
    return 0 if total + largest <= LARGEST_MB else 1


def _describe(name: str, folder: Path) -> float:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    byte_code = sum(path.suffix == ".pyc" for path in files)
    size = sum(path.stat().st_size for path in files) / 1e6
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in files:
            # Not `write`: files of reproducible wheels have dates before 1980, which ZIP rejects.
            zipped.writestr(str(path.relative_to(folder)), path.read_bytes())
    print(
        f"{name:28}{size:7.1f} MB, {archive.tell() / 1e6:5.1f} MB zipped, "
        f"{len(files)} files, {byte_code} of byte code"
    )
    return size


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
