"""The local gateway's use of a template, and the parts that it refuses to ignore."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka.consumer.fetcher import ConsumerRecord

from local.gateway import kafka_sources, schedules, template
from local.gateway.intrinsics import TemplateError
from local.gateway.model import KafkaSource, Schedule, Service

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests/data/gateway"


def minimal(**properties: Any) -> dict[str, Any]:
    """Return a template with one function, in the long form of intrinsic functions."""
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": ".", "Handler": "app.handler", **properties},
    }
    return {"Resources": {"F": function, "Api": {"Type": "AWS::Serverless::HttpApi"}}}


def read(tmp_path: Path, content: dict[str, Any], **given: str) -> Service:
    """Write a template and read it as the gateway does."""
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(content))
    return template.read(path, given)


def http_event(**properties: Any) -> dict[str, Any]:
    """Return the Events property of a function with one route."""
    basic = {"ApiId": {"Ref": "Api"}, "Method": "get", "Path": "/x", **properties}
    return {"Get": {"Type": "HttpApi", "Properties": basic}}


def test_products_own_template_is_served_whole() -> None:
    """Everything in template.yaml is supported or known to have no effect on one machine."""
    service = template.read(ROOT / "template.yaml", {"AWS_REGION": "eu-west-1"})
    assert {route.key for route in service.routes} >= {
        "POST /api/v1/stream/{movie_id}",
        "GET /health",
    }
    assert service.schedules
    assert service.cors is not None


def test_globals_merge_into_functions() -> None:
    """Mappings merge, and a function's own values take precedence."""
    function = template.read(DATA / "template.yaml", {}).functions["BehaveFunction"]
    assert function.timeout == 1
    assert function.handler == "app.handler"
    assert function.environment["GREETING"] == "hello"


def test_layer_without_python_folder_adds_no_path() -> None:
    """The dependencies layer is built from a lock; its packages come from this interpreter."""
    functions = template.read(ROOT / "template.yaml", {}).functions
    folders = functions["StartFunction"].directories
    assert [str(path.relative_to(ROOT)) for path in folders] == [
        "functions/start",
        "layers/streaming/python",
    ]


def test_given_value_wins_over_the_templates() -> None:
    """The environment file takes precedence; names that are not in the template are ignored."""
    given = {"GREETING": "hi", "OTHER": "x", "AWS_ACCESS_KEY_ID": "role"}
    environment = template.read(DATA / "template.yaml", given).functions["EchoFunction"].environment
    assert environment["GREETING"] == "hi"
    assert environment["AWS_ACCESS_KEY_ID"] == "role"
    assert "OTHER" not in environment


def test_given_value_reaches_conditions_through_its_parameter() -> None:
    """A variable that is a plain !Ref also sets its parameter."""
    environment = template.read(DATA / "template.yaml", {"GREETING": "hi"})
    assert environment.functions["EchoFunction"].environment["POLITE"] == "no"
    assert environment.functions["EchoFunction"].environment["PLACE"] == "us-east-1/hi"


def test_undeclared_variables_of_the_shell_are_not_inherited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variable that exists only in the developer's shell is missing, as in AWS."""
    monkeypatch.setenv("DATABASE_URL", "leaked")
    monkeypatch.setenv("PYTHONPATH", "leaked")
    environment = template.read(DATA / "template.yaml", {}).functions["EchoFunction"].environment
    assert environment.keys().isdisjoint({"DATABASE_URL", "PYTHONPATH"})
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "EchoFunction"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["_HANDLER"] == "app.handler"


def test_unresolvable_variable_stops_the_start(tmp_path: Path) -> None:
    """A value that only AWS knows is required by name."""
    variables = {"TABLE": {"Fn::GetAtt": ["Table", "Arn"]}}
    content = minimal(Environment={"Variables": variables})
    with pytest.raises(
        TemplateError, match=r"F\.Environment\.Variables\.TABLE: !GetAtt Table\.Arn"
    ):
        read(tmp_path, content)
    assert read(tmp_path, content, TABLE="t").functions["F"].environment["TABLE"] == "t"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (minimal(ImageUri="x"), "F: the local gateway does not support ImageUri"),
        (minimal(Events=http_event(Colour="red")), r"F.Events.Get: .* not support Colour"),
        (minimal(Events=http_event(Auth={"Scopes": []})), r"F.Events.Get.Auth: .* Scopes"),
        (minimal(Events=http_event(PayloadFormatVersion="1.0")), "PayloadFormatVersion"),
        (minimal(Events=http_event(ApiId="other")), "F.Events.Get.ApiId"),
        (minimal(Events={"Q": {"Type": "SQS"}}), "F.Events.Q: .* type SQS"),
        (
            minimal(
                Events={"S": {"Type": "Schedule", "Properties": {"Schedule": "cron(0 1 * * ? *)"}}}
            ),
            "F.Events.S.Schedule: only rate",
        ),
        (minimal(CodeUri="absent/"), "F.CodeUri: no folder absent/"),
        (minimal(Layers=["arn:aws:lambda:us-east-1:1:layer:x:1"]), "F.Layers"),
    ],
)
def test_unknown_property_fails_loudly(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    """Parts that the gateway would ignore are reported with resource and property."""
    with pytest.raises(TemplateError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"StageVariables": {"a": "b"}}, "Api: .* StageVariables"),
        ({"StageName": "v1"}, "Api.StageName"),
        ({"CorsConfiguration": {"AllowAll": True}}, "Api.CorsConfiguration: .* AllowAll"),
        ({"Auth": {"DefaultAuthorizer": "X"}}, "Api.Auth.DefaultAuthorizer"),
        ({"Auth": {"Authorizers": {"J": {"JwtConfiguration": {}}}}}, "Api.Auth.Authorizers.J"),
    ],
)
def test_unknown_property_of_the_api_fails_loudly(
    tmp_path: Path, properties: dict[str, Any], message: str
) -> None:
    """The same applies to the API, its CORS and its authorizers."""
    content = minimal()
    content["Resources"]["Api"]["Properties"] = properties
    with pytest.raises(TemplateError, match=message):
        read(tmp_path, content)


def test_other_kinds_of_routes_and_functions_fail_loudly(tmp_path: Path) -> None:
    """A function that is not a SAM function could not be served, so it prevents the start."""
    content = minimal()
    content["Resources"]["Raw"] = {"Type": "AWS::Lambda::Function"}
    with pytest.raises(TemplateError, match=r"Raw: .* AWS::Lambda::Function"):
        read(tmp_path, content)


def test_what_means_nothing_on_one_machine_is_left_out(tmp_path: Path) -> None:
    """Roles, tags and alarms neither prevent the start nor have an effect."""
    content = minimal(Policies=[{"Fn::GetAtt": ["Role", "Arn"]}], Tags={"a": "b"}, Tracing="Active")
    content["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"x": 1}}
    assert list(read(tmp_path, content).functions) == ["F"]


def test_malformed_intrinsic_is_one_line(tmp_path: Path) -> None:
    """An error in an intrinsic function is reported by name, without a traceback."""
    with pytest.raises(TemplateError, match=r"malformed Fn::Select: \[9, \['a'\]\]"):
        read(tmp_path, minimal(Timeout={"Fn::Select": [9, ["a"]]}))


def test_resource_with_a_false_condition_is_absent(tmp_path: Path) -> None:
    """A function that this deployment does not contain is not served."""
    content = minimal()
    content["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    content["Resources"]["F"]["Condition"] = "Never"
    assert not read(tmp_path, content).functions


def test_broken_yaml_is_one_line(tmp_path: Path) -> None:
    """Invalid YAML is reported with its place, on one line."""
    path = tmp_path / "template.yaml"
    path.write_text("Resources: [\n")
    with pytest.raises(TemplateError, match=r"template\.yaml: .*line 2") as raised:
        template.read(path, {})
    assert "\n" not in str(raised.value)


def test_scheduler_event_has_the_real_shape() -> None:
    """EventBridge Scheduler sends its detail as the text of an empty object."""
    schedule = Schedule("Name", "F", 60, scheduler=True)
    event = schedules.event(schedule, "us-east-1", datetime(2024, 6, 13, 12, 30, tzinfo=UTC))
    del event["id"]
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2024-06-13T12:30:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/Name"],
        "detail": "{}",
    }


def test_schedule_input_replaces_the_event() -> None:
    """With Input the function gets exactly that."""
    schedule = Schedule("Name", "F", 60, scheduler=True, input={"do": "it"})
    assert schedules.event(schedule, "us-east-1", datetime.now(UTC)) == {"do": "it"}


def event_source(**properties: Any) -> dict[str, Any]:
    """Return a template whose function reads a topic."""
    content = minimal()
    content["Resources"]["Source"] = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": "F"}, "Topics": ["changes"], **properties},
    }
    return content


def test_topic_of_a_self_managed_kafka_is_read(tmp_path: Path) -> None:
    """An event source mapping defines which function gets the records of which topics."""
    endpoints = {"Endpoints": {"KafkaBootstrapServers": ["a:9092", "b:9092"]}}
    content = event_source(SelfManagedEventSource=endpoints, BatchSize=7, StartingPosition="LATEST")

    (source,) = read(tmp_path, content).kafka_sources

    assert source == KafkaSource("Source", "F", ("a:9092", "b:9092"), ("changes",), 7)


def test_other_event_sources_are_refused(tmp_path: Path) -> None:
    """Unsupported event sources are not silently ignored."""
    with pytest.raises(TemplateError, match="does not support EventSourceArn"):
        read(tmp_path, event_source(EventSourceArn="arn:aws:kafka:eu-west-1:1:cluster/x/y"))


def test_product_reads_its_topic() -> None:
    """Subscription changes are read from the Kafka to which the functions write."""
    service = template.read(ROOT / "template.yaml", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})

    (source,) = service.kafka_sources
    assert not source.from_start
    assert source.function == "SubscriptionChangedFunction"
    assert source.topics == ("subscription.changed",)
    assert source.bootstrap_servers == ("127.0.0.1:1",)


def test_product_counts_its_events() -> None:
    """The events of the functions are read from the first one on, if they are to be counted."""
    given = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "KAFKA_TOPIC_PREFIX": "films",
        "ENABLE_ANALYTICS": "true",
    }
    service = template.read(ROOT / "template.yaml", given)

    sources = [each for each in service.kafka_sources if each.function == "AnalyticsFunction"]
    topics = {topic for source in sources for topic in source.topics}
    assert topics == {"films.start", "films.progress", "films.stop"}
    assert {source.bootstrap_servers for source in sources} == {("127.0.0.1:1",)}
    assert all(source.from_start for source in sources)


def test_records_have_the_form_of_lambdas_own() -> None:
    """A batch from the local Kafka has the format of the committed one from Amazon MSK."""
    committed = json.loads((ROOT / "events/subscription_changed.json").read_text("utf-8"))
    (first,) = committed["records"]["subscription.changed-0"]
    record = ConsumerRecord(
        topic="subscription.changed",
        partition=0,
        leader_epoch=0,
        offset=15,
        timestamp=1795339800000,
        timestamp_type=0,
        key=b"0d5f7f0c-6c1b-4c55-8f6e-3a9d2b1c0e4f",
        value=b'{"user_id": "0d5f7f0c-6c1b-4c55-8f6e-3a9d2b1c0e4f"}',
        headers=[],
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        serialized_header_size=0,
    )
    source = KafkaSource("Source", "F", ("a:9092",), ("subscription.changed",))

    happening = kafka_sources.event(source, [record])

    assert happening["records"] == {"subscription.changed-0": [first]}
    assert happening["eventSource"] == "SelfManagedKafka"
    assert happening.keys() <= committed.keys()
