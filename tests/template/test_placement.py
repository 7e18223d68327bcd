"""Which stack has what: an update must replace nothing that holds data or has a name of its own."""

import pytest

from tests.support.combinations import combinations
from tests.support.stacks import Stack

# Whoever moves one of these to another stack, or gives it another logical id, has CloudFormation
# make a second one beside the first: its name is taken, and its data stays behind.
IN_THE_ROOT = {
    "FilmBucket": "AWS::S3::Bucket",
    "FilmBucketPolicy": "AWS::S3::BucketPolicy",
    "SigningUser": "AWS::IAM::User",
    "SigningKey": "AWS::IAM::AccessKey",
    "SigningSecret": "AWS::SecretsManager::Secret",
    "AlarmTopic": "AWS::SNS::Topic",
    "AlarmSubscription": "AWS::SNS::Subscription",
    "Api": "AWS::ApiGatewayV2::Api",
    "ApiDomain": "AWS::ApiGatewayV2::DomainName",
    "ApiLogGroup": "AWS::Logs::LogGroup",
    "AuthorizerLogGroup": "AWS::Logs::LogGroup",
    "StartLogGroup": "AWS::Logs::LogGroup",
    "ProgressLogGroup": "AWS::Logs::LogGroup",
    "GetLogGroup": "AWS::Logs::LogGroup",
    "StopLogGroup": "AWS::Logs::LogGroup",
    "InvalidateLogGroup": "AWS::Logs::LogGroup",
    "EraseLogGroup": "AWS::Logs::LogGroup",
    "DocsLogGroup": "AWS::Logs::LogGroup",
    "HousekeepingLogGroup": "AWS::Logs::LogGroup",
    "SubscriptionChangedLogGroup": "AWS::Logs::LogGroup",
    "MigrateLogGroup": "AWS::Logs::LogGroup",
}
CALLS = {"Authorizer", "Start", "Progress", "Get", "Stop"}
WITH_ALIAS = CALLS | {"Invalidate", "Erase", "Docs", "Housekeeping"}
# Stacks of alarms, a dashboard and queries that have names, each of which can be taken only once.
WITH_NAMES = {
    "infrastructure/objective.yaml": {f"{name}Objective" for name in CALLS},
    "infrastructure/release.yaml": {f"{name}Release" for name in WITH_ALIAS},
    "infrastructure/observability.yaml": {"Observability"},
    "infrastructure/queries.yaml": {"Queries"},
}
# What may be made anew by an update: it holds nothing, and costs no viewer anything.
REMADE = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::QueryDefinition",
}
EVERYTHING = {
    "CreateSigningUser": "true",
    "AlarmEmail": "on-call@example.com",
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}


@pytest.fixture(scope="module")
def made() -> Stack:
    """The stack with everything that a parameter adds."""
    return Stack(EVERYTHING)


def test_what_holds_data_stays_in_the_root(made: Stack) -> None:
    """The bucket, the signing key, the logs and the API keep the logical ids they were made by."""
    found = {name: item["Type"] for name, item in made.resources.items() if name in IN_THE_ROOT}
    assert found == IN_THE_ROOT


def test_stacks_with_names_stay(made: Stack) -> None:
    """A stack whose resources have names keeps its logical id: a second one could not take them."""
    stacks = made.of_type("AWS::CloudFormation::Stack")
    for path, names in WITH_NAMES.items():
        assert {name for name, each in stacks.items() if each["TemplateURL"] == path} == names


@pytest.mark.parametrize("number", range(0, len(combinations()[0]), 8))
def test_other_stacks_hold_nothing(number: int) -> None:
    """The stacks beside the root have only what can be made again at any time."""
    for beside in Stack(combinations()[0][number]).nested:
        assert {item["Type"] for item in beside.resources.values()} <= REMADE


def test_what_moved_has_no_name(made: Stack) -> None:
    """The alarms on functions' errors have no name, so that new ones can stand beside the old."""
    alarms = made.beside("Errors").of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == len(made.of_type("AWS::Lambda::Function"))
    assert not any("AlarmName" in alarm for alarm in alarms.values())
