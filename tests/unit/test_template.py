"""What a deployment consists of, after SAM's own transformation of template.yaml."""

import ast
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from local.gateway.intrinsics import load_yaml
from streaming.metrics import unexpected_error

ROOT = Path(__file__).parents[2]
OPEN_ROUTES = {"GET /docs", "GET /openapi.json", "GET /health"}
SECRETS = {
    "JWT_SECRET_KEY",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "REDIS_PASSWORD",
    "KAFKA_PASSWORD",
}
BY_LAMBDA = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}
# Words of the same form: values, a part of a name, and what only tests set.
NO_VARIABLES = {"SASL_SSL", "AWS_MSK_IAM", "CREDENTIAL_EXPIRATION", "S3_SESSION_TOKEN"}
# The policy that denies everything without TLS.
STARS = {"FilmBucketPolicy"}
BEHIND_NO_API = {"HousekeepingFunction", "MigrateFunction", "SubscriptionChangedFunction"}
REMOVED = {"Ref": "AWS::NoValue"}
# A call that has begun in time may end after the budget.
LAST_CALL_SECONDS = 2.0

Json = dict[str, Any]


class Policies(ManagedPolicyLoader):  # type: ignore[misc]
    """The managed policies that SAM looks up by name."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        """Return those that this template leads to."""
        names = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}


@cache
def source() -> Json:
    """Return the template as it is written."""
    loaded: Json = load_yaml((ROOT / "template.yaml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def resources() -> Json:
    """The resources that CloudFormation gets to see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        template = json.loads(json.dumps(source()))
        for resource in template["Resources"].values():
            for name in ("CodeUri", "ContentUri"):
                if name in resource.get("Properties", {}):
                    resource["Properties"][name] = "s3://artifacts/code.zip"
        transformed: Json = transform(template, {}, Policies())["Resources"]
    return transformed


def of_type(resources: Json, kind: str) -> Json:
    """Return the properties of the resources of one type, by logical id."""
    found = {name: item for name, item in resources.items() if item["Type"] == kind}
    assert found, kind
    return {name: item["Properties"] for name, item in found.items()}


def statements(value: Any) -> list[Json]:
    """Return every policy statement in a part of the template."""
    if isinstance(value, dict):
        own = [value] if value.get("Effect") in ("Allow", "Deny") else []
        return own + [found for item in value.values() for found in statements(item)]
    if isinstance(value, list):
        return [found for item in value for found in statements(item)]
    return []


def routes(resources: Json) -> Json:
    """Return the operations of the API by route key."""
    (api,) = of_type(resources, "AWS::ApiGatewayV2::Api").values()
    return {
        f"{method.upper()} {path}": operation
        for path, item in api["Body"]["paths"].items()
        for method, operation in item.items()
        if method != "options"
    }


def test_routes_are_guarded(resources: Json) -> None:
    """Every route asks the authorizer, but the three that need no token."""
    unguarded = {
        key
        for key, operation in routes(resources).items()
        if operation.get("security") != [{"TokenAuthorizer": []}]
    }
    assert unguarded == OPEN_ROUTES


def test_sam_local_can_find_the_authorizer() -> None:
    """The authorizer has no FunctionName: of one that has, `sam local` does not know the ARN."""
    (authorizer,) = source()["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"].values()
    named, attribute = authorizer["FunctionArn"]["Fn::GetAtt"]
    assert attribute == "Arn"
    assert "FunctionName" not in source()["Resources"][named]["Properties"]


def test_functions_are_complete(resources: Json) -> None:
    """Every function has a time-out, memory, a log group that forgets, and an alarm."""
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    watched = [
        json.dumps(metric["Dimensions"])
        for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(alarm)
        if (metric["Namespace"], metric["MetricName"]) == ("AWS/Lambda", "Errors")
    ]
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["MemorySize"] >= 256, name
        assert name in BEHIND_NO_API or 0 < function["Timeout"] < 30, name
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
        known_as = json.dumps(function.get("FunctionName", {"Ref": name}))
        assert any(known_as in dimension for dimension in watched), name


def metrics_of(alarm: Json) -> list[Json]:
    """Return the metrics that an alarm adds up."""
    if "Metrics" not in alarm:
        return [alarm]
    (total,) = (query for query in alarm["Metrics"] if query.get("ReturnData", True))
    assert total["Expression"] == "SUM(METRICS())"
    return [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if query is not total]


def test_bugs_ring_the_alarm_that_rolls_back() -> None:
    """What a function behind the API answers 500 counts for the alarm of its own deployment."""
    resources = source()["Resources"]
    found = 0
    for name, resource in resources.items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        if budget_seconds(ROOT / resource["Properties"]["CodeUri"] / "app.py") is None:
            continue
        (alarm,) = resource["Properties"]["DeploymentPreference"]["Alarms"]
        named = resource["Properties"]["FunctionName"]
        line = unexpected_error(named["Fn::Sub"])
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        values = {"service": {"Ref": "AWS::StackName"}, "function_name": named}
        assert {
            "Namespace": directive["Namespace"],
            "MetricName": directive["Metrics"][0]["Name"],
            "Dimensions": [
                {"Name": dimension, "Value": values[dimension]}
                for dimension in directive["Dimensions"][0]
            ],
        } in metrics_of(resources[alarm["Ref"]]["Properties"]), name
        found += 1
    assert found >= 7


def test_functions_answer_before_lambda_ends_them() -> None:
    """A request's own budget, and what its last call may take beyond it, fit into the time-out."""
    found = 0
    for name, resource in source()["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        budget = budget_seconds(ROOT / properties["CodeUri"] / "app.py")
        if budget is not None:
            found += 1
            default = source()["Globals"]["Function"]["Timeout"]
            assert budget + LAST_CALL_SECONDS < properties.get("Timeout", default), name
    assert found >= 7


def budget_seconds(path: Path) -> float | None:
    """Return how long a request may take by the function's own rule; None where it has none."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("http_handler"):
            (budget,) = (each.value for each in node.keywords if each.arg == "budget_seconds")
            return float(ast.literal_eval(budget))
    return None


def test_environment_equals_what_settings_read() -> None:
    """No variable is declared that nothing reads, and none is read that is nowhere declared."""
    declared = set(source()["Globals"]["Function"]["Environment"]["Variables"])
    for resource in source()["Resources"].values():
        declared |= set(resource.get("Properties", {}).get("Environment", {}).get("Variables", {}))
    named: set[str] = set()
    for path in (ROOT / "layers/streaming/python/streaming").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    assert declared - named <= {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "RES_OPTIONS"}
    settings = (ROOT / "layers/streaming/python/streaming/settings.py").read_text("utf-8")
    read = {
        node.value
        for node in ast.walk(ast.parse(settings))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", node.value)
    }
    assert read - declared - BY_LAMBDA <= NO_VARIABLES


def test_functions_of_one_adapter_know_the_same_variables() -> None:
    """A function with an adapter has all variables of that adapter that any function has."""
    functions = [
        set(item["Properties"].get("Environment", {}).get("Variables", {}))
        for name, item in source()["Resources"].items()
        if item["Type"] == "AWS::Serverless::Function"
    ]
    optional = {"REDIS_PROGRESS_TTL", "REDIS_SUBSCRIPTION_CACHE_TTL"}
    for prefix in ("S3_", "KAFKA_", "DATABASE_", "REDIS_", "JWT_"):
        everything = {name for names in functions for name in names if name.startswith(prefix)}
        for names in functions:
            own = {name for name in names if name.startswith(prefix)}
            assert not own or everything - own <= optional


def test_no_secret_is_in_the_template(resources: Json) -> None:
    """Secrets are empty in every function's environment, and no parameter takes one."""
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        for secret in SECRETS & variables.keys():
            assert variables[secret] == "", f"{name}.{secret}"
    assert not any(item.get("NoEcho") for item in source()["Parameters"].values())


def test_nobody_may_do_everything(resources: Json) -> None:
    """No statement that allows something has a * for its action or its resource."""
    for name, resource in resources.items():
        if name in STARS:
            continue
        for statement in statements(resource):
            text = json.dumps([statement.get("Action"), statement.get("Resource")])
            assert '"*"' not in text, name
            assert ':*"' not in json.dumps(statement.get("Action")), name


def test_each_function_has_a_role_of_its_own(resources: Json) -> None:
    """No two functions share a role, and who needs no secret may read none."""
    roles = [
        json.dumps(function["Role"])
        for function in of_type(resources, "AWS::Lambda::Function").values()
    ]
    assert len(set(roles)) == len(roles)
    assert "secretsmanager" not in json.dumps(resources["DocsFunctionRole"])
    assert "s3:" not in json.dumps(resources["ProgressFunctionRole"])


def test_new_code_waits_for_its_tables(resources: Json) -> None:
    """Who uses the database is deployed after the migration, and through an alias."""
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        if "DATABASE_URL" in variables and name != "MigrateFunction":
            assert "Migration" in resources[name]["DependsOn"], name
    for name in ("Start", "Progress", "Get", "Stop"):
        assert f"{name}FunctionAliaslive" in resources
        assert f"{name}FunctionDeploymentGroup" in resources


def test_bucket_is_private(resources: Json) -> None:
    """Nothing in the bucket is public, readable in clear, or reached without TLS."""
    (bucket,) = of_type(resources, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket
    (policy,) = of_type(resources, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_parameters_are_explained_and_grouped() -> None:
    """Every parameter has a description and stands in one group of the console's form."""
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(source()["Parameters"])
    assert all(item.get("Description") for item in source()["Parameters"].values())


def test_dashboard_and_alarms_name_what_exists(resources: Json) -> None:
    """The dashboard is JSON, and every function that it or an alarm names is one of ours."""
    beside = load_yaml((ROOT / "infrastructure/observability.yaml").read_text("utf-8"))
    body = beside["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert json.loads(body)["widgets"]
    ours = {
        function["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for name, function in of_type(resources, "AWS::Lambda::Function").items()
        if name != "AuthorizerFunction"
    }
    named = re.findall(r"\$\{ServiceName\}-([a-z]+(?:-[a-z]+)*)", json.dumps(beside))
    assert named
    assert set(named) <= ours
    (stack,) = of_type(resources, "AWS::CloudFormation::Stack").values()
    assert stack["Parameters"]["AuthorizerName"] == {"Ref": "AuthorizerFunction"}
    assert set(stack["Parameters"]) == set(beside["Parameters"])


def test_deployments_set_parameters_that_exist() -> None:
    """samconfig.toml sets no parameter that the template does not have."""
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for stage in ("dev", "staging", "prod"):
        for override in configuration[stage]["deploy"]["parameters"]["parameter_overrides"]:
            name, _, value = override.partition("=")
            allowed = source()["Parameters"][name].get("AllowedValues")
            assert allowed is None or value in map(str, allowed)


SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt"
GOOD = {"JwtSecretArn": SECRET, "CreateSigningUser": "true"}
PROD = {**GOOD, "EnvironmentName": "prod", "RedisTls": "true", "KafkaAuthentication": "TLS"}
CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/films/1"
RULES: list[tuple[Json, str | None]] = [
    (GOOD, None),
    (PROD, None),
    ({**PROD, "RedisTls": "false"}, "RedisTls"),
    ({**PROD, "RedisTls": "false", "AllowPlaintext": "redis"}, None),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT"}, "KafkaAuthentication"),
    ({**PROD, "KafkaAuthentication": "PLAINTEXT", "EnableKafka": "false"}, None),
    ({"CreateSigningUser": "true"}, "JwtSecretArn"),
    ({"JwtSecretArn": SECRET}, "CreateSigningUser"),
    ({"JwtSecretArn": SECRET, "SigningSecretArn": "arn"}, None),
    ({"JwtSecretArn": SECRET, "RoleSessionSeconds": 3600}, None),
    ({"EnvironmentName": "local"}, None),
    ({**GOOD, "JwtAlgorithm": "RS256"}, "JwtJwksUrl"),
    ({**GOOD, "JwtAlgorithm": "RS256", "JwtJwksUrl": "https://auth.example.com/jwks.json"}, None),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM"}, "KafkaSecretArn"),
    ({**GOOD, "KafkaSecretArn": "arn"}, "SASL-SCRAM"),
    ({**GOOD, "KafkaAuthentication": "SASL-SCRAM", "KafkaSecretArn": "arn"}, None),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM"}, "KafkaClusterArn"),
    ({**GOOD, "KafkaAuthentication": "MSK-IAM", "KafkaClusterArn": CLUSTER}, None),
    ({**GOOD, "SigningSecretArn": "arn"}, "SigningSecretArn"),
    ({**GOOD, "MigrationSecretArn": "arn"}, "DatabaseSecretArn"),
    ({**GOOD, "SnapStart": "on", "PythonRuntime": "python3.11"}, "python3.12"),
]


def evaluated(value: Any, parameters: Json) -> Any:
    """Return what CloudFormation makes of a part of a rule."""
    if not isinstance(value, dict):
        return value
    ((function, given),) = value.items()
    if function == "Ref":
        return parameters[given]
    values = [evaluated(each, parameters) for each in given]
    return {
        "Fn::Equals": lambda: str(values[0]) == str(values[-1]),
        "Fn::Not": lambda: not values[0],
        "Fn::And": lambda: all(values),
        "Fn::Or": lambda: any(values),
    }[function]()


@pytest.mark.parametrize(("given", "told"), RULES)
def test_rules(given: Json, told: str | None) -> None:
    """Parameters that cannot work together are refused, with what is missing; others are not."""
    defaults = {name: item.get("Default", "") for name, item in source()["Parameters"].items()}
    parameters = {**defaults, **given}
    refusals = [
        assertion["AssertDescription"]
        for rule in source()["Rules"].values()
        if evaluated(rule["RuleCondition"], parameters)
        for assertion in rule["Assertions"]
        if not evaluated(assertion["Assert"], parameters)
    ]

    assert len(refusals) == (told is not None), refusals
    assert told is None or told in refusals[0]


def test_no_policy_may_be_empty(resources: Json) -> None:
    """Whatever is left out by its condition, a policy that stays has a statement."""

    def may_be_empty(value: Any) -> bool:
        return all("Fn::If" in each and REMOVED in each["Fn::If"] for each in value)

    found = 0
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            policies = policy["Fn::If"][1:] if "Fn::If" in policy else [policy]
            for each in policies:
                if each != REMOVED:
                    found += 1
                    assert not may_be_empty(each["PolicyDocument"]["Statement"]), name
    assert found > 10


def test_secrets_may_be_under_a_key_of_ones_own(resources: Json) -> None:
    """Whoever may read a secret may decrypt it, with that key and through Secrets Manager only."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        allowed = statements(role.get("Policies", []))
        decrypts = [each for each in allowed if each["Action"] == "kms:Decrypt"]
        reads = [each for each in allowed if each["Action"] == "secretsmanager:GetSecretValue"]
        assert len(decrypts) == bool(reads), name
        for each in decrypts:
            assert each["Resource"] == {"Ref": "SecretsKeyArn"}
            assert "kms:ViaService" in each["Condition"]["StringEquals"]


def test_migrations_are_not_repeated_later(resources: Json) -> None:
    """Lambda does not call the migration again, when its version may have been rolled back."""
    retries = {
        item["FunctionName"]["Ref"]: item["MaximumRetryAttempts"]
        for item in of_type(resources, "AWS::Lambda::EventInvokeConfig").values()
    }
    assert retries["MigrateFunction"] == 0


def test_runbook_explains_every_alarm(resources: Json) -> None:
    """Whoever is woken by an alarm finds its name in the runbook."""
    runbook = (ROOT / "docs/runbook.md").read_text("utf-8")
    beside = load_yaml((ROOT / "infrastructure/observability.yaml").read_text("utf-8"))
    alarms = {**of_type(resources, "AWS::CloudWatch::Alarm")} | {
        name: item
        for name, item in beside["Resources"].items()
        if item["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert [name for name in alarms if f"`{name}`" not in runbook] == []
