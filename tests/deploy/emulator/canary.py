"""CodeDeploy's canary: a new version takes some traffic, then all unless an alarm rings."""

import re
from collections.abc import Callable
from typing import Any

from tests.deploy.emulator.kinds import Client, Json, ResourceError

# What happens while the new version has its share; a test sends traffic here and rings alarms.
during: list[Callable[[Json], None]] = []


def shift(client: Client, policy: Json, alias: Json) -> None:
    """Move an alias to the version in ``alias``, by the deployment group of the policy.

    Raises:
        ResourceError: An alarm of the group rang, and the alias is as it was.
    """
    group = client("codedeploy").get_deployment_group(
        applicationName=policy["ApplicationName"],
        deploymentGroupName=policy["DeploymentGroupName"],
    )["deploymentGroupInfo"]
    functions = client("lambda")
    target = {"FunctionName": alias["FunctionName"], "Name": alias["Name"]}
    before: Json = functions.get_alias(**target)
    percent = _percent(group["deploymentConfigName"])
    if percent:
        weights = {alias["FunctionVersion"]: percent / 100}
        functions.update_alias(**target, RoutingConfig={"AdditionalVersionWeights": weights})
        for act in during:
            act({**alias, "Before": before["FunctionVersion"]})
    ringing = _ringing(client, group)
    if ringing:
        functions.update_alias(**target, RoutingConfig={"AdditionalVersionWeights": {}})
        raise ResourceError(f"CodeDeploy rolled back: {', '.join(ringing)} in ALARM")
    functions.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})


def _percent(configuration: str) -> int:
    match = re.search(r"LambdaCanary(\d+)Percent", configuration)
    return int(match[1]) if match else 0


def _ringing(client: Client, group: Json) -> list[str]:
    names = [each["name"] for each in group.get("alarmConfiguration", {}).get("alarms", [])]
    if not names:
        return []
    alarms: list[Any] = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return [each["AlarmName"] for each in alarms if each["StateValue"] == "ALARM"]
