"""Lambda's functions as CloudFormation creates them: layers, versions, aliases, event sources."""

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

from tests.deploy.emulator.wire import AwsError

ACCOUNT = "123456789012"
Json = dict[str, Any]

_IDENTITY = {"Version", "FunctionArn", "RevisionId", "LastModified"}


class Lambda:
    """Stores functions in the format of the API.

    Args:
        fetch: Reads an object of S3 by bucket and key.
        run: Runs a version of a function with an event.
        region: The region.
    """

    def __init__(
        self,
        fetch: Callable[[str, str], bytes],
        run: Callable[[Json, list[bytes], Json], Json],
        region: str,
    ) -> None:
        self._fetch = fetch
        self._run = run
        self._prefix = f"arn:aws:lambda:{region}:{ACCOUNT}"
        self.code: dict[str, bytes] = {}
        self.layers: dict[str, Json] = {}
        # For each function its configurations by version, including $LATEST.
        self.versions: dict[str, dict[str, Json]] = {}
        self.aliases: dict[str, dict[str, Json]] = {}
        self.concurrency: dict[str, int] = {}
        self.policies: dict[str, list[Json]] = {}
        self.invoke_configurations: dict[str, Json] = {}
        self.event_sources: dict[str, Json] = {}

    def publish_layer_version(self, layer_name: str, content: Json, **rest: Any) -> Json:
        """Store a layer's archive as its next version."""
        number = sum(each["LayerName"] == layer_name for each in self.layers.values()) + 1
        arn = f"{self._prefix}:layer:{layer_name}:{number}"
        data = self._archive(content)
        self.layers[arn] = {"LayerName": layer_name, "Data": data, "Deleted": False}
        return {"LayerVersionArn": arn, "Version": number}

    def delete_layer_version(self, layer_name: str, version_number: int) -> None:
        """Delete a version; functions that use it keep it."""
        self.layers[f"{self._prefix}:layer:{layer_name}:{version_number}"]["Deleted"] = True

    def create_function(self, function_name: str, code: Json, **given: Any) -> Json:
        """Create a function, with only the version $LATEST."""
        if function_name in self.versions:
            raise AwsError("ResourceConflictException", f"Function already exist: {function_name}")
        configuration = {
            "FunctionName": function_name,
            "FunctionArn": f"{self._prefix}:function:{function_name}",
            "Version": "$LATEST",
            "State": "Active",
        }
        self.versions[function_name] = {"$LATEST": configuration}
        self.aliases[function_name] = {}
        self.policies[function_name] = []
        self._set_code(configuration, code)
        return self._configure(configuration, given)

    def update_function_code(self, function_name: str, **code: Any) -> Json:
        """Replace the code of $LATEST."""
        configuration = self.find(function_name)
        self._set_code(configuration, {_pascal(name): value for name, value in code.items()})
        return configuration

    def update_function_configuration(self, function_name: str, **given: Any) -> Json:
        """Replace the given members of the configuration of $LATEST."""
        return self._configure(self.find(function_name), given)

    def get_function(self, function_name: str, qualifier: str | None = None) -> Json:
        """Return a function under that alias or version."""
        name = _name(function_name)
        answer: Json = {"Configuration": self.find(function_name, qualifier), "Code": {}}
        if name in self.concurrency:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": self.concurrency[name]}
        return answer

    def get_function_configuration(self, function_name: str, qualifier: str | None = None) -> Json:
        """Return the configuration under that alias or version."""
        return self.find(function_name, qualifier)

    def list_functions(self, **page: Any) -> Json:
        """Return all functions."""
        return {"Functions": [each["$LATEST"] for each in self.versions.values()]}

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function, or one of its versions."""
        name = _name(function_name)
        self.find(name)
        if qualifier is not None:
            del self.versions[name][qualifier]
            return
        for held in (self.versions, self.aliases, self.policies):
            del held[name]
        self.concurrency.pop(name, None)
        self.invoke_configurations.pop(name, None)

    def publish_version(self, function_name: str, description: str = "", **rest: Any) -> Json:
        """Publish $LATEST, or return the last version if nothing has changed since."""
        name = _name(function_name)
        latest = self.find(name)
        numbers = [int(each) for each in self.versions[name] if each != "$LATEST"]
        if numbers:
            last = self.versions[name][str(max(numbers))]
            if _content(last) == _content(latest):
                return last
        number = str(max(numbers, default=0) + 1)
        published = copy.deepcopy(latest)
        published["Version"] = number
        published["FunctionArn"] += f":{number}"
        published["Description"] = description or latest.get("Description", "")
        self.versions[name][number] = published
        return published

    def list_versions_by_function(self, function_name: str, **page: Any) -> Json:
        """Return $LATEST and the published versions."""
        self.find(function_name)
        return {"Versions": list(self.versions[_name(function_name)].values())}

    def create_alias(
        self, function_name: str, name: str, function_version: str, **rest: Any
    ) -> Json:
        """Create an alias for a version."""
        function = _name(function_name)
        self.find(function, function_version)
        if name in self.aliases[function]:
            raise AwsError("ResourceConflictException", f"Alias already exists: {name}")
        arn = f"{self._prefix}:function:{function}:{name}"
        self.aliases[function][name] = {
            "AliasArn": arn,
            "Name": name,
            "FunctionVersion": function_version,
        }
        return self.aliases[function][name]

    def update_alias(
        self,
        function_name: str,
        name: str,
        function_version: str | None = None,
        routing_config: Json | None = None,
        **rest: Any,
    ) -> Json:
        """Point an alias to another version, or share its traffic with one."""
        alias = self.get_alias(function_name, name)
        if function_version is not None:
            self.find(function_name, function_version)
            alias["FunctionVersion"] = function_version
        if routing_config is not None:
            for version in routing_config.get("AdditionalVersionWeights", {}):
                self.find(function_name, version)
            alias["RoutingConfig"] = routing_config
        return alias

    def get_alias(self, function_name: str, name: str) -> Json:
        """Return an alias."""
        alias = self.aliases.get(_name(function_name), {}).get(name)
        return alias if alias is not None else _missing(f"{function_name}:{name}")

    def delete_alias(self, function_name: str, name: str) -> None:
        """Delete an alias."""
        self.aliases.get(_name(function_name), {}).pop(name, None)

    def put_function_concurrency(
        self, function_name: str, reserved_concurrent_executions: int
    ) -> Json:
        """Limit a function's environments."""
        self.concurrency[_name(function_name)] = reserved_concurrent_executions
        return {"ReservedConcurrentExecutions": reserved_concurrent_executions}

    def delete_function_concurrency(self, function_name: str) -> None:
        """Remove the limit."""
        self.concurrency.pop(_name(function_name), None)

    def put_function_event_invoke_config(self, function_name: str, **given: Any) -> Json:
        """Set the configuration of asynchronous invocations."""
        self.find(function_name, given.get("qualifier"))
        configuration = {_pascal(name): value for name, value in given.items()}
        self.invoke_configurations[_name(function_name)] = configuration
        return configuration

    def delete_function_event_invoke_config(self, function_name: str, **rest: Any) -> None:
        """Delete it."""
        self.invoke_configurations.pop(_name(function_name), None)

    def add_permission(self, function_name: str, **statement: Any) -> Json:
        """Allow a service to invoke a function."""
        self.find(function_name)
        self.policies[_name(function_name)].append({"FunctionName": function_name, **statement})
        return {"Statement": json.dumps({"Sid": statement["statement_id"]})}

    def remove_permission(self, function_name: str, statement_id: str, **rest: Any) -> None:
        """Remove the permission."""
        held = self.policies.get(_name(function_name), [])
        held[:] = [each for each in held if each["statement_id"] != statement_id]

    def create_event_source_mapping(self, function_name: str, **given: Any) -> Json:
        """Create an event source mapping for a function."""
        self.find(function_name)
        identifier = str(uuid4())
        self.event_sources[identifier] = {
            **{_pascal(name): value for name, value in given.items()},
            "UUID": identifier,
            "FunctionArn": self.find(function_name)["FunctionArn"],
            "State": "Enabled",
        }
        return self.event_sources[identifier]

    def delete_event_source_mapping(self, uuid: str) -> Json:
        """Delete it."""
        return self.event_sources.pop(uuid, None) or _missing(uuid)

    def list_event_source_mappings(self, **rest: Any) -> Json:
        """Return all of them."""
        return {"EventSourceMappings": list(self.event_sources.values())}

    def invoke(
        self,
        function_name: str,
        payload: bytes | str = b"{}",
        qualifier: str | None = None,
        **rest: Any,
    ) -> Json:
        """Run a function under that alias or version."""
        configuration = self.find(function_name, qualifier)
        outcome = self.run(configuration, json.loads(payload or b"{}"))
        answer: Json = {
            "StatusCode": 200,
            "ExecutedVersion": configuration["Version"],
            "Payload": json.dumps(outcome["payload"]).encode(),
        }
        if outcome["failed"]:
            answer["FunctionError"] = "Unhandled"
        return answer

    def run(self, configuration: Json, event: Json) -> Json:
        """Run one configuration of a function; return ``payload`` and whether it ``failed``."""
        layers = [self.layers[each["Arn"]]["Data"] for each in configuration.get("Layers", [])]
        archives = [*layers, self.code[configuration["CodeSha256"]]]
        return self._run(configuration, archives, event)

    def find(self, function_name: str, qualifier: str | None = None) -> Json:
        """Return a configuration by name or ARN, of an alias or version, otherwise $LATEST."""
        name, _, suffix = function_name.rpartition("function:")[2].partition(":")
        qualifier = qualifier or suffix or "$LATEST"
        if qualifier in self.aliases.get(name, {}):
            qualifier = self.aliases[name][qualifier]["FunctionVersion"]
        configuration = self.versions.get(name, {}).get(qualifier)
        return configuration if configuration is not None else _missing(function_name)

    def _archive(self, code: Json) -> bytes:
        if "S3Bucket" in code:
            return self._fetch(code["S3Bucket"], code["S3Key"])
        return bytes(code["ZipFile"])

    def _set_code(self, configuration: Json, code: Json) -> None:
        data = self._archive(code)
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        self.code[digest] = data
        configuration.update(CodeSha256=digest, CodeSize=len(data))

    def _configure(self, configuration: Json, given: Json) -> Json:
        for name, value in given.items():
            configuration[_pascal(name)] = value
        if "layers" in given:
            for arn in given["layers"]:
                if self.layers.get(arn, {"Deleted": True})["Deleted"]:
                    raise AwsError("InvalidParameterValueException", f"no layer version {arn}")
            configuration["Layers"] = [{"Arn": arn} for arn in given["layers"]]
        configuration.update(LastModified=datetime.now(UTC).isoformat(), RevisionId=str(uuid4()))
        return configuration


def _name(function_name: str) -> str:
    return function_name.rpartition("function:")[2].partition(":")[0]


def _content(configuration: Json) -> Json:
    return {name: value for name, value in configuration.items() if name not in _IDENTITY}


def _missing(name: str) -> NoReturn:
    raise AwsError("ResourceNotFoundException", f"Function not found: {name}")


_NAMES = {"s3_bucket": "S3Bucket", "s3_key": "S3Key", "kms_key_arn": "KMSKeyArn"}


def _pascal(name: str) -> str:
    return _NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))
