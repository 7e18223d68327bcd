"""Bare machines: minimal Debians in folders of their own, entered as a newcomer enters them.

They have what the README names and nothing else. Of this machine they get the network, the way to
the package indexes (pip's settings and the authorities of TLS) and a clone to clone from.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fresh.readme import ROOT, packages

USER = "newcomer"
VISITOR = Path(__file__).parent / "visitor.py"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What tells pip and uv where packages come from, and whom to trust.
PASSED_ON = ("PIP_", "UV_", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_MOUNTS = """
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 99
shift
exec "$@"
"""


def why_not() -> str:
    """Return why there can be no bare machines here, empty when there can."""
    if sys.platform != "linux":
        return "bare machines are made on Linux"
    if os.geteuid() != 0:
        return "only root can make bare machines"
    if not shutil.which("mmdebstrap") and not shutil.which("debootstrap"):
        return "mmdebstrap or debootstrap makes bare machines: apt install mmdebstrap"
    return ""


@dataclass(frozen=True)
class Machine:
    """A minimal Debian in ``folder``."""

    folder: Path

    @classmethod
    def of(cls, release: str, folder: Path) -> "Machine":
        """Install a release with the README's packages and an ordinary user."""
        # Certificates are what lets git and pip speak to anybody; every image for servers has them.
        wanted = ",".join((*packages(), "ca-certificates"))
        if shutil.which("mmdebstrap"):
            # Mirrors of a day long ago are as good.
            old = "--aptopt=Acquire::Check-Valid-Until false"
            command = ["mmdebstrap", "--variant=minbase", old, f"--include={wanted}"]
        else:
            command = ["debootstrap", "--variant=minbase", f"--include={wanted}"]
        made = subprocess.run(
            [*command, release, str(folder)], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr[-2000:]
        machine = cls(folder)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "src")], check=True)
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, folder / CERTIFICATES.relative_to("/"))
        for name in ("pip.conf", "resolv.conf", "hosts"):
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), folder / "etc" / name)
        shutil.copy(VISITOR, folder / "visitor.py")
        machine.run("root", "useradd", "--create-home", "--shell", "/bin/sh", USER)
        return machine

    def run(self, user: str, *command: str, **environment: str) -> str:
        """Run a command as ``user`` in processes and mounts of its own; return what it told."""
        home = "/root" if user == "root" else f"/home/{user}"
        passed_on = {n: v for n, v in os.environ.items() if n.startswith(PASSED_ON)}
        inside = ["chroot", str(self.folder), "/usr/bin/env", "-i"]
        inside += [f"{name}={value}" for name, value in passed_on.items()]
        inside += [
            f"HOME={home}",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        inside += [f"{name}={value}" for name, value in environment.items()]
        become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"]
        inside += [*(become if user != "root" else []), *command]
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
                *("sh", "-c", _MOUNTS, "sh", str(self.folder), *inside),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout
