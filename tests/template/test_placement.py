"""The stack of each resource: an update must not replace those that hold data or have a name."""

import pytest

from tests.support.combinations import combinations, stack
from tests.support.stacks import Stack

# In another stack, or under another logical id, each of these would be a second resource: its name
# is taken, and it has none of the first one's data.
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
    "InsightsLogGroup": "AWS::Logs::LogGroup",
    "DocsLogGroup": "AWS::Logs::LogGroup",
    "HousekeepingLogGroup": "AWS::Logs::LogGroup",
    "SubscriptionChangedLogGroup": "AWS::Logs::LogGroup",
    "AnalyticsLogGroup": "AWS::Logs::LogGroup",
    "MigrateLogGroup": "AWS::Logs::LogGroup",
}
CALLS = {"Authorizer", "Start", "Progress", "Get", "Stop"}
WITH_ALIAS = CALLS | {"Invalidate", "Erase", "Insights", "Docs", "Housekeeping"}
# Stacks of alarms, a dashboard and queries with names, which have to be unique.
WITH_NAMES = {
    "infrastructure/objective.yaml": {f"{name}Objective" for name in CALLS},
    "infrastructure/release.yaml": {f"{name}Release" for name in WITH_ALIAS},
    "infrastructure/observability.yaml": {"Observability"},
    "infrastructure/queries.yaml": {"Queries"},
}
# An update may replace these: they hold no data, and no request needs them.
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
    """The bucket, the signing key, the logs and the API keep their logical ids in the root."""
    holding = set(IN_THE_ROOT.values())
    found = {name: item["Type"] for name, item in made.resources.items() if item["Type"] in holding}
    assert found == IN_THE_ROOT


def test_stacks_with_names_stay(made: Stack) -> None:
    """A stack with named resources keeps its logical id, because a second one would fail."""
    stacks = made.of_type("AWS::CloudFormation::Stack")
    for path, names in WITH_NAMES.items():
        assert {name for name, each in stacks.items() if each["TemplateURL"] == path} == names


@pytest.mark.parametrize("number", range(0, len(combinations()[0]), 8))
def test_other_stacks_hold_nothing(number: int) -> None:
    """Nested stacks contain only resources that an update may replace."""
    for beside in stack(number).nested:
        assert {item["Type"] for item in beside.resources.values()} <= REMADE


def test_what_moved_has_no_name(made: Stack) -> None:
    """The alarms on functions' errors have no names, so that an update can create them first."""
    alarms = made.beside("Errors").of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == len(made.of_type("AWS::Lambda::Function"))
    assert not any("AlarmName" in alarm for alarm in alarms.values())
