"""The network, PostgreSQL, Valkey and Kafka of the data plane."""

import ipaddress
import itertools
import re

import pytest

from tests.support.stacks import Stack
from tests.support.templates import Json, source

PATH = "infrastructure/data-plane.yaml"
# Beside these, an interface endpoint needs no address of the functions.
LEAST_ADDRESSES = 512
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
DESCRIPTION = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=;{}!$*]{1,255}")
KAFKA_WITH_IAM = 9098
HTTPS = 443


def stack(**parameters: str) -> Stack:
    """Return the stack with some parameters."""
    return Stack(parameters, "data", PATH)


def open_ports(made: Stack) -> set[tuple[str, str, int]]:
    """Return the source group, the group and the port of every rule that allows traffic."""
    found = set()
    rules: list[tuple[str, Json]] = [
        (f"data-{name}", rule)
        for name, group in made.of_type("AWS::EC2::SecurityGroup").items()
        for rule in group.get("SecurityGroupIngress", [])
    ]
    alone = made.of_type("AWS::EC2::SecurityGroupIngress").values()
    rules += [(rule["GroupId"], rule) for rule in alone]
    for group, rule in rules:
        for port in range(rule["FromPort"], rule["ToPort"] + 1):
            found.add((rule["SourceSecurityGroupId"], group, port))
    return found


def test_ec2_takes_the_descriptions_of_groups_and_rules() -> None:
    """Descriptions contain only characters that EC2 allows, which excludes apostrophes."""
    made = stack()
    groups = list(made.of_type("AWS::EC2::SecurityGroup").values())
    rules = list(made.of_type("AWS::EC2::SecurityGroupIngress").values())
    rules += [rule for group in groups for rule in group.get("SecurityGroupIngress", [])]
    described = [group["GroupDescription"] for group in groups]
    described += [rule["Description"] for rule in rules]
    assert [text for text in described if not DESCRIPTION.fullmatch(text)] == []


@pytest.mark.parametrize("prefix", range(16, 29))
def test_subnets_fit_into_the_network(prefix: int) -> None:
    """Every allowed network contains three separate subnets, with addresses for functions."""
    block = f"10.40.0.0/{prefix}"
    pattern = source(PATH)["Parameters"]["VpcCidr"]["AllowedPattern"]
    if not re.fullmatch(pattern, block):
        assert prefix > 20
        return
    subnets = [
        ipaddress.ip_network(subnet["CidrBlock"])
        for subnet in stack(VpcCidr=block).of_type("AWS::EC2::Subnet").values()
    ]
    assert len(subnets) == 3
    for subnet in subnets:
        assert subnet.subnet_of(ipaddress.ip_network(block))  # type: ignore[arg-type]
        assert subnet.num_addresses >= LEAST_ADDRESSES
    assert not any(one.overlaps(other) for one, other in itertools.combinations(subnets, 2))


def test_a_failed_first_deployment_can_be_taken_back() -> None:
    """At first no resource is protected from deletion, or retained; protection can be added."""
    for name, resource in source(PATH)["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") != "Retain", name
    (database,) = stack().of_type("AWS::RDS::DBCluster").values()
    assert database["DeletionProtection"] == "false"
    (database,) = stack(DeletionProtection="true").of_type("AWS::RDS::DBCluster").values()
    assert database["DeletionProtection"] == "true"


def test_the_database_outlives_its_stack() -> None:
    """Deleting the stack keeps a snapshot, and the secrets for access to it."""
    resources = source(PATH)["Resources"]
    assert resources["Database"]["DeletionPolicy"] == "Snapshot"
    for name in ("DatabaseSecret", "RequestsSecret"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_lambdas_consumer_reaches_what_it_needs() -> None:
    """Without internet access, Lambda reads MSK through its own groups, STS and Lambda.

    https://docs.aws.amazon.com/lambda/latest/dg/with-msk-cluster-network.html
    """
    made = stack()
    (kafka,) = made.of_type("AWS::MSK::ServerlessCluster").values()
    (network,) = kafka["VpcConfigs"]
    (group,) = network["SecurityGroups"]
    assert {(group, group, KAFKA_WITH_IAM), (group, group, HTTPS)} <= open_ports(made)
    endpoints = {
        endpoint["ServiceName"].rpartition(".")[2]: endpoint
        for endpoint in made.of_type("AWS::EC2::VPCEndpoint").values()
    }
    assert {"lambda", "sts", "secretsmanager", "s3"} <= endpoints.keys()
    for name in ("lambda", "sts", "secretsmanager"):
        assert endpoints[name]["PrivateDnsEnabled"] is True
        assert set(endpoints[name]["SubnetIds"]) >= set(network["SubnetIds"])
        assert endpoints[name]["SecurityGroupIds"] == [group]


def test_functions_reach_every_server() -> None:
    """The functions' group may connect only to endpoints, PostgreSQL, Valkey and Kafka."""
    made = stack()
    functions = made.outputs["SecurityGroupIds"]["Value"]
    reached = {port for source_group, _, port in open_ports(made) if source_group == functions}
    assert reached == {HTTPS, 5432, 6379, 6380, KAFKA_WITH_IAM}
    assert not any(group == functions for _, group, _ in open_ports(made))


def test_both_users_of_the_database_pass_the_proxy() -> None:
    """The proxy has, and may read, the secrets of the administrator and of the requests' user."""
    made = stack()
    secrets = {made.outputs[f"{name}SecretArn"]["Value"] for name in ("Database", "Requests")}
    (proxy,) = made.of_type("AWS::RDS::DBProxy").values()
    assert {each["SecretArn"] for each in proxy["Auth"]} == secrets
    (policy,) = made.of_type("AWS::IAM::Role")["ProxyRole"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Resource"]) == secrets


def test_outputs_are_parameters_of_the_service() -> None:
    """Outputs have the names of their parameters, except two that the docs name."""
    parameters = source()["Parameters"]
    named = {name for name in stack().outputs if name not in parameters}
    assert named == {"RequestsSecretArn", "DatabaseArn"}
