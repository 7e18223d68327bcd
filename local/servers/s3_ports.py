"""The internal ports of SeaweedFS: free ones, kept from run to run."""

import contextlib
import json
from dataclasses import dataclass, fields
from pathlib import Path

from local.ports import claim, free_pair, free_ports

FOLDER = Path("/tmp")  # noqa: S108 - fixed by SeaweedFS, which ignores TMPDIR


@dataclass(frozen=True)
class InternalPorts:
    """The ports of the parts of SeaweedFS, all on 127.0.0.1."""

    master: int
    master_grpc: int
    volume: int
    volume_grpc: int
    filer: int
    filer_grpc: int
    s3_grpc: int
    admin: int
    admin_grpc: int

    @classmethod
    def of(cls, path: Path) -> "InternalPorts":
        """Return the ports stored in `path` if they are free, else choose and store others.

        Raises `LocalError` if there are too few free ports.
        """
        with contextlib.suppress(OSError, ValueError, TypeError):
            former = cls(**json.loads(path.read_text()))
            if claim(vars(former).values()):
                return former
        # SeaweedFS's maintenance worker requires this distance between the last two.
        chosen = [*free_ports(len(fields(cls)) - 2), *free_pair(10_000)]
        ports = cls(**dict(zip((field.name for field in fields(cls)), chosen, strict=True)))
        path.write_text(json.dumps(vars(ports)))
        return ports

    @property
    def sockets(self) -> list[Path]:
        """The paths of SeaweedFS's gRPC sockets, which cannot be configured."""
        parts = ("master", "volume", "filer", "s3", "admin")
        ports = vars(self)
        return [FOLDER / f"seaweedfs-{part}-grpc-{ports[f'{part}_grpc']}.sock" for part in parts]
