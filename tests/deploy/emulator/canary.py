"""CodeDeploy's canary: a new version gets some traffic, then all unless an alarm is raised."""

import re
from collections.abc import Callable
from typing import Any

from moto.codedeploy.models import codedeploy_backends

from tests.deploy.emulator.functions import ACCOUNT
from tests.deploy.emulator.kinds import Client, Json, ResourceError

# Called while the new version has its share; a test sends traffic here and raises alarms.
during: list[Callable[[Json], None]] = []


def shift(client: Client, policy: Json, alias: Json) -> None:
    """Move an alias to the version in ``alias``, by the deployment group of the policy.

    Raises:
        ResourceError: An alarm of the group was raised, and the alias is unchanged.
    """
    group = client("codedeploy").get_deployment_group(
        applicationName=policy["ApplicationName"],
        deploymentGroupName=policy["DeploymentGroupName"],
    )["deploymentGroupInfo"]
    functions = client("lambda")
    target = {"FunctionName": alias["FunctionName"], "Name": alias["Name"]}
    before: Json = functions.get_alias(**target)
    if before["FunctionVersion"] == alias["FunctionVersion"]:
        return  # CloudFormation reverts changes that were rolled back
    percent = _percent(group["deploymentConfigName"])
    if percent:
        weights = {alias["FunctionVersion"]: percent / 100}
        functions.update_alias(**target, RoutingConfig={"AdditionalVersionWeights": weights})
        for act in during:
            act({**alias, "Before": before["FunctionVersion"]})
    ringing = _ringing(client, policy)
    if ringing:
        functions.update_alias(**target, RoutingConfig={"AdditionalVersionWeights": {}})
        raise ResourceError(f"CodeDeploy rolled back: {', '.join(ringing)} in ALARM")
    functions.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})


def _percent(configuration: str) -> int:
    match = re.search(r"LambdaCanary(\d+)Percent", configuration)
    return int(match[1]) if match else 0


def _ringing(client: Client, policy: Json) -> list[str]:
    names = _watched(client("codedeploy").meta.region_name, policy)
    if not names:
        return []
    alarms: list[Any] = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return [each["AlarmName"] for each in alarms if each["StateValue"] == "ALARM"]


def _watched(region: str, policy: Json) -> list[str]:
    """Return the alarms of a deployment group, which moto stores but does not return."""
    group = codedeploy_backends[ACCOUNT][region].get_deployment_group(
        policy["ApplicationName"], policy["DeploymentGroupName"]
    )
    configuration: Any = group.alarm_configuration or {}
    return [each["name"] for each in configuration.get("alarms", [])]
