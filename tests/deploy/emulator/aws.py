"""The emulated AWS as one object."""

import os
import time
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Self

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.deploy.emulator.cloudformation import CloudFormation
from tests.deploy.emulator.custom_resources import CustomResources
from tests.deploy.emulator.environments import Environments
from tests.deploy.emulator.functions import Json, Lambda
from tests.deploy.emulator.wire import Wire

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class _Quiet(MotoRequestHandler):
    def log_request(self, *arguments: object) -> None:
        """Suppress the log."""


class EmulatedAws:
    """Serves ``url`` in the context; ``variables`` configure AWS's clients for it.

    ``folder`` stores the functions' code and their logs. Only one can run in a process, because
    moto keeps its state for the process.
    """

    _is_running: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        # The roles use policies of AWS; moto loads them when the first role is created.
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        self._moto: Any = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.variables = {
            **KEYS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }
        self._clients: dict[str, Any] = {}
        for_functions = {
            **self.variables,
            "AWS_SESSION_TOKEN": "session",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
        }
        self.environments = Environments(folder, for_functions, self._log)
        self.functions = Lambda(self._fetch, self.environments.run, REGION)
        self._custom = CustomResources()
        self._custom.url = self.url
        self.cloudformation = CloudFormation(
            self.client, REGION, self._fetch_template, self._custom
        )
        self._own = {
            "cloudformation": Wire("cloudformation", self.cloudformation),
            "lambda": Wire("lambda", self.functions),
        }

    def __enter__(self) -> Self:
        assert not EmulatedAws._is_running, "another emulated AWS of this process is running"
        EmulatedAws._is_running = True
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cloudformation.wait()
        self.environments.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        _forget_moto()
        EmulatedAws._is_running = False

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        if service not in self._clients:
            session = boto3.Session("testing", "testing", region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.url)
        return self._clients[service]

    def secret(self, name: str, text: str) -> str:
        """Create a secret; return its ARN."""
        made: Json = self.client("secretsmanager").create_secret(Name=name, SecretString=text)
        return str(made["ARN"])

    def log(self, group: str) -> str:
        """Return the contents of a log group."""
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return "\n".join(each["message"] for each in events)

    def _answer(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        if request.path.startswith(CustomResources.PATH):
            self._custom.receive(request.path, request.get_data())
            return Response()(environ, start)
        scope = request.headers.get("Authorization", "").split(",")[0].split("/")
        own = self._own.get(scope[3]) if len(scope) > 3 else None
        return own(request)(environ, start) if own else self._moto(environ, start)

    def _fetch(self, bucket: str, key: str) -> bytes:
        data: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return data

    def _fetch_template(self, url: str) -> str:
        """Read a template by its URL, whose path contains the bucket."""
        bucket, _, key = url.partition("://")[2].partition("/")[2].partition("/")
        return self._fetch(bucket, key).decode()

    def _log(self, group: str, stream: str, text: str) -> None:
        logs = self.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if group not in [each["logGroupName"] for each in groups]:
            logs.create_log_group(logGroupName=group)
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        if stream not in [each["logStreamName"] for each in streams]:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in text.splitlines() if line]
        if events:
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _forget_moto() -> None:
    """Reset moto's services, which persist for the process's lifetime."""
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
