"""S3, from a SeaweedFS wheel: a private bucket, and identities with the permissions they need."""

import contextlib
import http.client
import json
import os
from functools import cached_property
from typing import Any

from local.files import write_privately
from local.servers.s3_identities import identities_document
from local.servers.s3_ports import InternalPorts
from local.servers.server import NotReadyError, Server
from local.servers.wheels import in_scripts
from local.state import State

REGION = "us-east-1"
CORS = {
    "AllowedMethods": ["GET", "HEAD"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
    "MaxAgeSeconds": 3600,
}


class S3(Server):
    """Runs `weed mini` with a bucket that rejects every unsigned request."""

    name = "s3"
    title = "S3"

    def __init__(self, port: int, state: State, *, bucket: str) -> None:
        super().__init__(port, state)
        self.bucket = bucket
        self._credentials = state.credentials
        self._folder = state.folder / "s3"
        self._internal: InternalPorts | None = None

    @property
    def endpoint_url(self) -> str:
        """The address of the S3 API."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        """Start all parts of SeaweedFS in one process, with every port and address explicit."""
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        identities = self._folder / "identities.json"
        document = identities_document(self.bucket, self._credentials)
        write_privately(identities, json.dumps(document, indent=2))
        if self._internal is None:
            self._internal = InternalPorts.of(self._folder / "ports.json")
        internal = self._internal
        self.clean_up()
        options = {
            "dir": data,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "metricsIp": "127.0.0.1",
            "master.port": internal.master,
            "master.port.grpc": internal.master_grpc,
            "master.telemetry": "false",
            "volume.port": internal.volume,
            "volume.port.grpc": internal.volume_grpc,
            "volume.preStopSeconds": 0,
            # The filer would serve the same files without authentication.
            "disableHttp": "true",
            "filer.port": internal.filer,
            "filer.port.grpc": internal.filer_grpc,
            "filer.localSocket": "filer.sock",
            "admin.port": internal.admin,
            "admin.port.grpc": internal.admin_grpc,
            "admin.ui": "false",
            "s3.port": self.port,
            "s3.port.grpc": internal.s3_grpc,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": "s3.sock",
            "s3.config": identities,
            "s3.iam": "false",
            "webdav": "false",
        }
        program = in_scripts("weed")
        # The paths of the sockets are relative, because their length is limited.
        self._spawn(
            [str(program), "mini", *(f"-{name}={value}" for name, value in options.items())],
            cwd=self._folder,
            environment=_environment(),
        )

    def check(self) -> None:
        """Expect 403 for an unsigned request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", f"/{self.bucket}")
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise NotReadyError(repr(error)) from None
        finally:
            connection.close()
        if status != 403:
            raise NotReadyError(f"unsigned GET answered {status}")

    def prepare(self) -> None:
        """Create the bucket and its CORS rule, like template.yaml in AWS."""
        from botocore.exceptions import ClientError

        client = self.admin_client
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, ClientError):
            client.create_bucket(Bucket=self.bucket)
        client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [CORS]})

    def clean_up(self) -> None:
        """Remove the sockets in the temporary folder."""
        for socket in self._internal.sockets if self._internal else ():
            with contextlib.suppress(OSError):
                socket.unlink()

    @cached_property
    def admin_client(self) -> Any:
        """A boto3 client with all permissions, for set-up and tests."""
        return self.client(
            self._credentials.s3_admin_access_key, self._credentials.s3_admin_secret_key
        )

    def client(self, access_key: str, secret_key: str) -> Any:
        """Return a boto3 client for one of the identities."""
        # Imported here: the import takes half a second, and few uses of this module need it.
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=20),
        )


def _environment() -> dict[str, str]:
    # SeaweedFS permanently makes an AWS key in its environment an administrator.
    foreign = ("AWS_", "WEED_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
