"""Optional operations: tags, tracing, a custom domain, limits by route."""

import tomllib

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.support.stacks import Stack
from tests.support.templates import REGION, ROOT, Json
from tests.template.test_api import OPEN_ROUTES

DOMAIN = {
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}
# CloudFormation gives a stack's tags to every other type; these do not support tags.
WITHOUT_TAGS = {
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::CloudFormation::CustomResource",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::AccessKey",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::Scheduler::Schedule",
}


def everything(stack: Stack) -> list[Json]:
    """Return the resources of a stack and of its nested stacks."""
    return [*stack.resources.values(), *(each for one in stack.nested for each in everything(one))]


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_stages_have_tags(stage: str) -> None:
    """Each stage's stack has tags for the service and the environment."""
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    tags = configuration[stage]["deploy"]["parameters"]["tags"]
    assert tags == ["service=streaming", f"environment={stage}"]


def test_tags_of_the_stack_reach_its_resources() -> None:
    """All chargeable resources get the stack's tags; the types without tags are known."""
    stack = Stack({**DOMAIN, "CreateSigningUser": "true", "AlarmEmail": "a@example.com"})
    without = set()
    for resource in everything(stack):
        kind = resource["Type"]
        if kind == "AWS::CloudFormation::CustomResource":
            without.add(kind)
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
        if not schema.get("tagging", {}).get("taggable", schema.get("taggable", True)):
            without.add(kind)
    assert without <= WITHOUT_TAGS


def test_tracing_is_off_and_costs_nothing() -> None:
    """By default no function is traced, and none may send traces."""
    for function in Stack().of_type("AWS::Lambda::Function").values():
        assert "TracingConfig" not in function
    for role in Stack().of_type("AWS::IAM::Role").values():
        assert "xray" not in str(role).lower()


def test_tracing_is_switched_on_for_all() -> None:
    """With tracing, every function is traced and may send its traces."""
    stack = Stack({"Tracing": "Active"})
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        assert function["TracingConfig"] == {"Mode": "Active"}
        role = stack.of_type("AWS::IAM::Role")[f"{name}Role"]
        assert any("xray" in arn.lower() for arn in role["ManagedPolicyArns"]), name


def test_no_function_loads_a_tracer() -> None:
    """Lambda creates the traces; no SDK for them is loaded, with or without tracing."""
    for path in [*(ROOT / "layers/streaming/python").rglob("*.py"), *ROOT.glob("functions/*/*.py")]:
        assert "xray_sdk" not in path.read_text("utf-8"), path
        assert "Tracer" not in path.read_text("utf-8"), path
    locked = (ROOT / "layers/dependencies/requirements.txt").read_text("utf-8")
    assert "aws-xray-sdk" not in locked


def test_the_api_has_a_name_of_its_own() -> None:
    """A domain and its certificate lead to the API, and the outputs contain the DNS target."""
    stack = Stack(DOMAIN)
    (domain,) = stack.of_type("AWS::ApiGatewayV2::DomainName").values()
    (configuration,) = domain["DomainNameConfigurations"]
    assert configuration["CertificateArn"] == DOMAIN["CertificateArn"]
    assert configuration["SecurityPolicy"] == "TLS_1_2"
    (mapping,) = stack.of_type("AWS::ApiGatewayV2::ApiMapping").values()
    assert mapping["ApiId"] == stack.resolve({"Ref": "Api"})
    assert stack.outputs["ApiUrl"]["Value"] == "https://api.example.com"
    assert {"DomainTarget", "DomainTargetZone"} <= stack.outputs.keys()
    assert not {"DomainTarget", "DomainTargetZone"} & Stack().outputs.keys()


@pytest.mark.parametrize(("switch", "is_closed"), [("on", False), ("off", True)])
def test_the_way_past_a_firewall(switch: str, *, is_closed: bool) -> None:
    """Only with a custom domain can the API's own endpoint be disabled."""
    stack = Stack({**DOMAIN, "ExecuteApiEndpoint": switch})
    (api,) = stack.of_type("AWS::ApiGatewayV2::Api").values()
    (server,) = api["Body"]["servers"]
    settings = server["x-amazon-apigateway-endpoint-configuration"]
    assert settings["disableExecuteApiEndpoint"] is is_closed


def test_open_routes_are_limited() -> None:
    """Routes without a token have lower limits, each separately, and the same metrics."""
    (stage,) = Stack().of_type("AWS::ApiGatewayV2::Stage").values()
    assert set(stage["RouteSettings"]) == OPEN_ROUTES
    usual = stage["DefaultRouteSettings"]
    for route in stage["RouteSettings"].values():
        assert route["ThrottlingRateLimit"] < float(usual["ThrottlingRateLimit"])
        assert route["DetailedMetricsEnabled"] is usual["DetailedMetricsEnabled"] is True
