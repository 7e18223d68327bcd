"""Deploys a build with the commands of docs/deploy.md to the emulated AWS."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from local.stack import Stack
from tests.deploy.emulator.api import Api
from tests.deploy.emulator.aws import REGION, EmulatedAws
from tests.deploy.emulator.functions import Json
from tests.support.databases import empty_database
from tests.support.functions import ROOT

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
TOOLS = {name: ROOT / f".venv/{name}-{VERSION}/bin/{name}" for name in ("sam", "aws")}

Done = subprocess.CompletedProcess[str]


def build(folder: Path) -> Path:
    """Build functions and layers for this machine; return the folder of the template."""
    target = (f"ARCHITECTURE={ARCHITECTURE}", f"RUNTIME_VERSION={VERSION}")
    done = _run(["make", "--silent", "build", f"BUILD={folder}", *target], {})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def aws_command(aws: EmulatedAws, *arguments: str) -> Done:
    """Run the AWS command line."""
    return _run([str(TOOLS["aws"]), *arguments], aws.variables)


class Deployment:
    """An environment of samconfig.toml in the emulated AWS, with the servers of this machine."""

    def __init__(
        self, aws: EmulatedAws, stack: Stack, built: Path, folder: Path, environment: str
    ) -> None:
        self.aws = aws
        self.built = built
        self.environment = environment
        self.stack_name = f"streaming-{environment}"
        self.bucket = f"example-films-{environment}"
        self._stack = stack
        self._folder = folder
        self.database_url = ""
        self.parameters: dict[str, str] = {}

    def find_servers(self, database_url: str) -> None:
        """Set the parameters with the addresses of this machine's servers."""
        given = self._stack.environment
        self.database_url = database_url
        database = urlsplit(database_url)
        login = {"username": database.username, "password": database.password}
        place = f"{database.hostname}:{database.port}{database.path}"
        self.parameters.update(
            Architecture=ARCHITECTURE,
            PythonRuntime=f"python{VERSION}",
            S3EndpointUrl=self.aws.url,
            JwtSecretArn=self.aws.secret(f"{self.stack_name}-jwt", given["JWT_SECRET_KEY"]),
            DatabaseSecretArn=self.aws.secret(f"{self.stack_name}-database", json.dumps(login)),
            DatabaseUrl=f"postgresql://{place}?sslmode=disable",
            UserServiceUrl=given["USER_SERVICE_URL"],
            RedisHost=given["REDIS_HOST"],
            RedisPort=given["REDIS_PORT"],
            KafkaBootstrapServers=given["KAFKA_BOOTSTRAP_SERVERS"],
            SubnetIds="subnet-0123456789abcdef0",
            SecurityGroupIds="sg-0123456789abcdef0",
        )

    def deploy(self, *options: str, **changed: str) -> Done:
        """Run `make deploy ENV=...` for a build, with changed parameters."""
        arguments = ["--built", "--build-dir", self.built, "--config", self._configured(changed)]
        command = ["make", "--silent", "deploy", f"ENV={self.environment}", *options]
        command.append(f"DEPLOY_ARGS={' '.join(map(str, arguments))}")
        return _run(command, self.aws.variables)

    def succeed(self, *options: str, **changed: str) -> str:
        """Deploy; return the output."""
        done = self.deploy(*options, **changed)
        assert done.returncode == 0, [*self.reasons(), done.stderr[-2000:]]
        return done.stdout

    def aws_command(self, *arguments: str) -> Done:
        """Run the AWS command line."""
        return aws_command(self.aws, *arguments)

    def invoke(self, function: str, payload: Json) -> Json:
        """Invoke a function without the API, and return its response."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=f"{self.stack_name}-{function}", Payload=json.dumps(payload).encode()
        )
        result: Json = json.loads(answer["Payload"].read())
        return result

    def reasons(self) -> list[str]:
        """Return the reasons why resources have failed, the first one first."""
        stack = self.aws.cloudformation.stacks.get(self.stack_name)
        return stack.reasons() if stack else []

    @property
    def status(self) -> str:
        """The stack's outputs."""
        return self.aws.cloudformation.stacks[self.stack_name].status

    @property
    def api(self) -> Api:
        """The deployed API."""
        return Api(self.aws, self.stack_name)

    def served(self) -> dict[str, Json]:
        """Return the configuration behind the alias of every function that has one."""
        client = self.aws.client("lambda")
        return {
            name: client.get_function(FunctionName=name, Qualifier="live")["Configuration"]
            for name, aliases in self.aws.functions.aliases.items()
            if "live" in aliases and name.startswith(f"{self.stack_name}-")
        }

    def with_layer(self, name: str, text: str) -> "Deployment":
        """Return the deployment of a build in which our layer contains this module.

        Args:
            name: The module below our package, such as ``access/identity``.
            text: Its source.
        """
        other = self._copy(name.replace("/", "-"))
        module = other.built / f"StreamingLayer/python/streaming/{name}.py"
        # The copy shares its files with the build; byte code would take precedence over the text.
        for old in (module, *module.parent.glob(f"__pycache__/{module.stem}.*.pyc")):
            old.unlink(missing_ok=True)
        module.write_text(text)
        return other

    def with_migration(self, name: str, statement: str) -> "Deployment":
        """Return the deployment of a build with one more migration."""
        other = self._copy(name)
        migrations = other.built / "migrations"
        shutil.copytree(ROOT / "migrations", migrations)
        (migrations / f"{name}.sql").write_text(statement)
        template = other.built / "template.yaml"
        lines = template.read_text().splitlines()
        template.write_text(
            "\n".join(
                "      ContentUri: migrations"
                if "ContentUri:" in line and line.endswith("/migrations")
                else line
                for line in lines
            )
        )
        return other

    def _copy(self, name: str) -> "Deployment":
        # Beside the other, because the template has relative paths; workers share the folder.
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        built = self.built.parent / f"{self.built.name}-{worker}-{name}"
        shutil.rmtree(built, ignore_errors=True)
        shutil.copytree(self.built, built, copy_function=os.link)
        template = built / "template.yaml"
        template.unlink()
        shutil.copy(self.built / "template.yaml", template)
        other = Deployment(self.aws, self._stack, built, self._folder, self.environment)
        other.parameters = self.parameters
        return other

    def _configured(self, changed: Mapping[str, str]) -> Path:
        """Write this checkout's samconfig.toml with additional parameters, as an operator does."""
        text = (ROOT / "samconfig.toml").read_text("utf-8")
        settings = tomllib.loads(text)[self.environment]["deploy"]["parameters"]
        written = dict(each.split("=", 1) for each in settings["parameter_overrides"])
        values = {**written, **self.parameters, **changed}
        lines = "".join(f'    "{name}={value}",\n' for name, value in values.items())
        head, section, rest = text.partition(f"[{self.environment}.deploy.parameters]")
        before, start, rest = rest.partition("parameter_overrides = [\n")
        path = self._folder / f"samconfig-{self.environment}.toml"
        _, _, after = rest.partition("]\n")
        path.write_text(f"{head}{section}{before}{start}{lines}]\n{after}")
        return path


@contextmanager
def account(folder: Path) -> Iterator[EmulatedAws]:
    """Yield an account with SAM's bucket, whose creation takes a quarter of a minute."""
    with EmulatedAws(folder) as aws:
        location = {"LocationConstraint": REGION}
        aws.client("s3").create_bucket(Bucket="sam-bucket", CreateBucketConfiguration=location)
        tags = {"ManagedStackSource": "AwsSamCli"}
        name = "aws-sam-cli-managed-default"
        aws.cloudformation.have(name, {"SourceBucket": "sam-bucket"}, tags)
        yield aws


@contextmanager
def deployed(stack: Stack, built: Path, folder: Path) -> Iterator[Deployment]:
    """Yield the environment dev after its first deployment."""
    with account(folder) as aws, empty_database(stack) as database_url:
        deployment = Deployment(aws, stack, built, folder, "dev")
        deployment.find_servers(database_url)
        deployment.succeed()
        yield deployment


def _run(command: list[str], variables: Mapping[str, str]) -> Done:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
        **variables,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
    }
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
