"""Builds a substitute for AWS's base image from this machine, if no registry is reachable.

It contains what SAM needs: a shell for the lines that SAM adds to the image, this Python with its
linked libraries, AWS's runtime client, and a bootstrap. Its C library is this distribution's, not
Amazon Linux's.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

from local.errors import LocalError
from tests.sam.engine import Engine

LABEL = "streaming-stand-in"
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_BOOTSTRAP = Path(__file__).parent / "bootstrap"
_LEFT_OUT = re.compile(
    r"(^|/)(site-packages|dist-packages|ensurepip|idlelib|lib2to3|test|tests|tkinter|turtledemo"
    r"|config-[^/]*|_tkinter[^/]*|[^/]*\.opt-[12]\.pyc)$"
)
_TOOLS = ("sh", "cat", "chmod", "cp", "ls", "mkdir", "mv", "rm")
# The libraries that manylinux wheels may assume.
_ASSUMED = (
    "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libexpat.so.1", "libc.so.6",
    "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2",
)  # fmt: skip
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_SETTINGS = {
    "PATH": "/var/lang/bin:/usr/bin:/bin:/opt/bin",
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": "/var/lang/lib:/var/runtime/lib:/opt/lib",
    "SSL_CERT_FILE": _AUTHORITIES,
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}
_TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def make_image(engine: Engine, name: str, runtime_client: Path) -> None:
    """Import the image into the engine.

    Args:
        engine: Imports the image.
        name: The image name that SAM requests.
        runtime_client: Folder with awslambdaric and its dependencies.
    """
    changes = [f"ENV {key}={value}" for key, value in _SETTINGS.items()]
    changes += ["WORKDIR /var/task", f"LABEL {LABEL}=true"]
    options = [part for change in changes for part in ("--change", change)]
    command = ["docker", "--host", engine.host, "import", *options, "-", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as importer:
        assert importer.stdin is not None
        with tarfile.open(fileobj=importer.stdin, mode="w|") as image:
            _fill(image, runtime_client.resolve())
        importer.stdin.close()
        if importer.wait() != 0:
            raise LocalError(f"docker import {name} failed")


def _fill(image: tarfile.TarFile, runtime_client: Path) -> None:
    for folder in ("tmp", "proc", "sys", "dev", "root", "opt", "var/task"):
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
        image.addfile(entry)
    for path, text in _TEXTS.items():
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = len(text.encode()), 0o644
        image.addfile(entry, io.BytesIO(text.encode()))
    tools = [Path(os.path.realpath(shutil.which(tool) or tool)) for tool in _TOOLS]
    for name, tool in zip(_TOOLS, tools, strict=True):
        image.add(tool, f"bin/{name}")
    python = Path(os.path.realpath(sys.executable))
    library = Path(sysconfig.get_path("stdlib"))
    image.add(python, f"var/lang/bin/python{_VERSION}")
    link = tarfile.TarInfo("var/lang/bin/python3")
    link.type, link.linkname = tarfile.SYMTYPE, f"python{_VERSION}"
    image.addfile(link)
    image.add(library, f"var/lang/lib/python{_VERSION}", filter=_needed)
    image.add(runtime_client, "var/runtime", filter=_needed)
    image.add(_BOOTSTRAP, "var/runtime/bootstrap", filter=_executable)
    image.add(os.path.realpath(_AUTHORITIES), _AUTHORITIES.lstrip("/"))
    modules = [*library.glob("lib-dynload/*.so"), *runtime_client.rglob("*.so*")]
    for path in sorted({*_libraries([python, *tools, *modules]), *_assumed()}):
        image.add(os.path.realpath(path), path.lstrip("/"))


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _LEFT_OUT.search(entry.name) else entry


def _executable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode = 0o755
    return entry


def _libraries(programs: list[Path]) -> Iterator[str]:
    """Return the paths at which the linker finds the programs' libraries."""
    wanted = [str(path) for path in programs if not path.name.startswith("_tkinter")]
    found = subprocess.run(["ldd", *wanted], capture_output=True, text=True, check=False).stdout
    yield from re.findall(r"(?m)^\t(?:\S+ => )?(/\S+) \(0x", found)


def _assumed() -> Iterator[str]:
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True)
    places = re.findall(r"(?m)^\t(\S+) \(libc6,(?:x86-64|AArch64).*\) => (\S+)$", known.stdout)
    paths = dict(places)
    yield from (paths[name] for name in _ASSUMED if name in paths)
    # The C library loads these itself for name resolution.
    yield from map(str, Path(paths["libc.so.6"]).parent.glob("libnss_*.so.2"))
