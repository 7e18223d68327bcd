"""Minimal Debian systems in separate folders, used as by a new developer.

They contain only what the README names. From this machine they get the network, the configuration
of the package indexes (pip's settings and the certificate authorities) and a repository to clone.
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
# The variables that configure package indexes and certificate authorities for pip and uv.
PASSED_ON = ("PIP_", "UV_", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_MOUNTS = """
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 99
shift
exec "$@"
"""


def why_not() -> str:
    """Return why minimal systems are not possible here; empty if they are."""
    if sys.platform != "linux":
        return "minimal systems need Linux"
    if os.geteuid() != 0:
        return "minimal systems need root"
    if not shutil.which("mmdebstrap") and not shutil.which("debootstrap"):
        return "minimal systems need mmdebstrap or debootstrap: apt install mmdebstrap"
    return ""


@dataclass(frozen=True)
class Machine:
    """A minimal Debian in ``folder``."""

    folder: Path

    @classmethod
    def of(cls, release: str, folder: Path) -> "Machine":
        """Install a release with the README's packages and an ordinary user."""
        # git and pip need certificates for every connection; every server image contains them.
        wanted = ",".join((*packages(), "ca-certificates"))
        if shutil.which("mmdebstrap"):
            # Mirrors with old indexes are sufficient.
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
        """Run a command as ``user`` in separate process and mount namespaces; return its output."""
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
        assert done.returncode == 0, done.stdout[-60_000:]
        return done.stdout
