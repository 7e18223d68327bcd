"""Lambda's resources, as CloudFormation creates them."""

from typing import Any

from tests.deploy.emulator import canary
from tests.deploy.emulator.kinds import Client, Json, Made, Replace, ResourceError
from tests.deploy.emulator.shapes import parameters

# The value of a property that was removed from the template.
_DEFAULTS: Json = {
    "Description": "",
    "Environment": {"Variables": {}},
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "SnapStart": {"ApplyOn": "None"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "LoggingConfig": {"LogFormat": "Text"},
}


class Layer:
    """AWS::Lambda::LayerVersion."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Publish a version."""
        asked = parameters("lambda", "PublishLayerVersion", properties)
        answer = client("lambda").publish_layer_version(**asked)
        return Made(answer["LayerVersionArn"])

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Raise, because versions are immutable."""
        raise Replace

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete a version; functions that use it keep it."""
        name, number = made.physical_id.split(":")[-2:]
        client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(number))


class Function:
    """AWS::Lambda::Function."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a function."""
        asked = {"FunctionName": name[:64], **properties}
        asked.pop("ReservedConcurrentExecutions", None)
        made = client("lambda").create_function(**parameters("lambda", "CreateFunction", asked))
        self._bound(client, made["FunctionName"], properties)
        return Made(made["FunctionName"], {"Arn": made["FunctionArn"]})

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Replace code and configuration of $LATEST."""
        if old.get("FunctionName") != new.get("FunctionName"):
            raise Replace
        name = made.physical_id
        code = {**new["Code"], "Architectures": new.get("Architectures", ["x86_64"])}
        client("lambda").update_function_code(
            **parameters("lambda", "UpdateFunctionCode", {"FunctionName": name, **code})
        )
        given = {
            **{name: _DEFAULTS[name] for name in set(old) - set(new) if name in _DEFAULTS},
            **new,
            "FunctionName": name,
        }
        for ignored in ("Code", "ReservedConcurrentExecutions", "Tags", "Architectures"):
            given.pop(ignored, None)
        client("lambda").update_function_configuration(
            **parameters("lambda", "UpdateFunctionConfiguration", given)
        )
        self._bound(client, name, new)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it with its versions."""
        client("lambda").delete_function(FunctionName=made.physical_id)

    def _bound(self, client: Client, name: str, properties: Json) -> None:
        bound: Any = properties.get("ReservedConcurrentExecutions")
        if bound is None:
            client("lambda").delete_function_concurrency(FunctionName=name)
        else:
            client("lambda").put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=int(bound)
            )


class Version:
    """AWS::Lambda::Version."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Publish $LATEST, which must differ from the last version."""
        function = properties["FunctionName"]
        versions = client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
        known = [each["Version"] for each in versions]
        asked = {
            name: value
            for name, value in properties.items()
            if name in ("FunctionName", "Description")
        }
        published = client("lambda").publish_version(**asked)
        if published["Version"] in known:
            raise ResourceError(
                f"A version for this Lambda function exists ( {published['Version']} ). "
                "Modify the function to create a new version."
            )
        return Made(published["FunctionArn"], {"Version": published["Version"]})

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Raise, because versions are immutable."""
        raise Replace

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it."""
        name, number = made.physical_id.split(":")[-2:]
        client("lambda").delete_function(FunctionName=name, Qualifier=number)


class Alias:
    """AWS::Lambda::Alias; ``@policy`` among the properties is the template's UpdatePolicy."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create an alias for a version."""
        asked = _without_policy(properties)
        made = client("lambda").create_alias(**parameters("lambda", "CreateAlias", asked))
        return Made(made["AliasArn"])

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Point it to another version, by CodeDeploy if the policy says so."""
        if (old["FunctionName"], old["Name"]) != (new["FunctionName"], new["Name"]):
            raise Replace
        asked = parameters("lambda", "UpdateAlias", _without_policy(new))
        policy = new.get("@policy", {}).get("CodeDeployLambdaAliasUpdate")
        if policy and old["FunctionVersion"] != new["FunctionVersion"]:
            canary.shift(client, policy, asked)
        else:
            client("lambda").update_alias(**asked)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it."""
        client("lambda").delete_alias(
            FunctionName=properties["FunctionName"], Name=properties["Name"]
        )


def _without_policy(properties: Json) -> Json:
    return {name: value for name, value in properties.items() if name != "@policy"}
