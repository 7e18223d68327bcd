"""The calls of AWS that functions make, derived from their code and their variables."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from typing import get_args

from streaming.events.event import Action
from tests.support.adapters import adapters_of
from tests.support.permissions import Call
from tests.support.stacks import Stack
from tests.support.templates import REGION, ROOT, Json, source

MOVIE = "movies/0198c0de-0000-7000-8000-000000000001/index.m3u8"
COPY = f"playback/12345678/{MOVIE}"

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: without ListBucket the
# response for a missing object is 403.
_S3 = {
    "get_object": [("s3:GetObject", MOVIE)],
    "head_object": [("s3:GetObject", MOVIE), ("s3:ListBucket", "")],
    "put_object": [("s3:PutObject", COPY)],
}
# The events that the use cases of a function send; the other producers send all.
_ACTIONS: dict[str, tuple[Action, ...]] = {
    "StartFunction": ("stream_start", "stream_stop"),  # it ends sessions that it takes over
    "ProgressFunction": ("stream_progress",),
    "StopFunction": ("stream_stop",),
}
# https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
_PRODUCER = ("kafka-cluster:DescribeTopic", "kafka-cluster:WriteData")
# https://docs.aws.amazon.com/lambda/latest/dg/msk-permissions.html
_CONSUMER = (
    ("cluster", "kafka-cluster:Connect"),
    ("cluster", "kafka-cluster:DescribeClusterDynamicConfiguration"),
    ("topic", "kafka-cluster:DescribeTopic"),
    ("topic", "kafka-cluster:ReadData"),
    ("group", "kafka-cluster:DescribeGroup"),
    ("group", "kafka-cluster:AlterGroup"),
)


def calls_of(name: str, stack: Stack) -> set[Call]:
    """Return every call that the function, and Lambda's consumer for it, makes with its role."""
    adapters = adapters_of(source()["Resources"][name]["Properties"]["CodeUri"])
    properties = stack.of_type("AWS::Lambda::Function")[name]
    environment = properties["Environment"]["Variables"]
    sends = environment.get("ENABLE_KAFKA") == "true"
    secrets = adapters.secrets if sends else adapters.secrets - {"KAFKA_SECRET_ARN"}
    found = set(_secrets(secrets, environment, stack))
    if "streaming.storage.bucket" in adapters.modules:
        found |= set(_films(environment, stack))
    if "streaming.events.producer" in adapters.modules and sends:
        found |= set(_events(_ACTIONS.get(name, get_args(Action)), environment, stack))
    for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values():
        if mapping["FunctionName"] == stack.resolve({"Ref": name}):
            found |= set(_consumer(mapping, stack))
    return found


@cache
def s3_operations() -> frozenset[str]:
    """Return the methods of botocore's client that the film bucket calls."""
    tree = ast.parse(
        (ROOT / "layers/streaming/python/streaming/storage/bucket.py").read_text("utf-8")
    )
    return frozenset(
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func.value) == "self._s3"
    )


def via(service: str) -> tuple[tuple[str, str], ...]:
    """Return the context of a KMS call that another service makes."""
    return (("kms:ViaService", f"{service}.{REGION}.amazonaws.com"),)


def _secrets(variables: frozenset[str], environment: Json, stack: Stack) -> Iterator[Call]:
    for variable in variables:
        if environment.get(variable):
            yield Call("secretsmanager:GetSecretValue", environment[variable])
    if variables and stack.parameters["SecretsKeyArn"]:
        yield Call("kms:Decrypt", stack.parameters["SecretsKeyArn"], via("secretsmanager"))


def _films(environment: Json, stack: Stack) -> Iterator[Call]:
    bucket = f"arn:aws:s3:::{environment['S3_BUCKET_NAME']}"
    publishes = environment["DELIVERY"] == "s3"
    key = stack.parameters["FilmsKeyArn"]
    for operation in s3_operations():
        for action, path in _S3[operation]:
            if publishes or action != "s3:PutObject":
                yield Call(action, f"{bucket}/{path}" if path else bucket)
    if publishes and not environment["S3_SIGNING_SECRET_ARN"]:
        yield Call("s3:GetObject", f"{bucket}/{COPY}")
    if key:
        yield Call("kms:Decrypt", key, via("s3"))
    if key and publishes:
        yield Call("kms:GenerateDataKey", key, via("s3"))


def _events(actions: Iterable[Action], environment: Json, stack: Stack) -> Iterator[Call]:
    if environment["KAFKA_SASL_MECHANISM"] != "AWS_MSK_IAM":
        return
    yield Call("kafka-cluster:Connect", stack.parameters["KafkaClusterArn"])
    for each in actions:
        topic = f"{environment['KAFKA_TOPIC_PREFIX']}.{each.removeprefix('stream_')}"
        for action in _PRODUCER:
            yield Call(action, _of_cluster(stack, "topic", topic))


def _consumer(mapping: Json, stack: Stack) -> Iterator[Call]:
    for access in mapping.get("SourceAccessConfigurations", []):
        if access["Type"].startswith("SASL"):
            yield Call("secretsmanager:GetSecretValue", access["URI"])
            if stack.parameters["SecretsKeyArn"]:
                yield Call("kms:Decrypt", stack.parameters["SecretsKeyArn"], via("secretsmanager"))
    if "DestinationConfig" in mapping:
        yield Call("sqs:SendMessage", mapping["DestinationConfig"]["OnFailure"]["Destination"])
    if "EventSourceArn" not in mapping:
        return
    group = mapping["AmazonManagedKafkaEventSourceConfig"]["ConsumerGroupId"]
    resources = {
        "cluster": mapping["EventSourceArn"],
        "group": _of_cluster(stack, "group", group),
    }
    for kind, action in _CONSUMER:
        for topic in mapping["Topics"]:
            resource = _of_cluster(stack, "topic", topic) if kind == "topic" else resources[kind]
            yield Call(action, resource)


def _of_cluster(stack: Stack, kind: str, name: str) -> str:
    return f"{stack.parameters['KafkaClusterArn'].replace(':cluster/', f':{kind}/')}/{name}"
