"""Which properties of a template the gateway honours, and which mean nothing on one machine.

Anything in neither list stops the start. A property that is silently ignored is a deployment that
behaves differently from what was tried out, which is what a local gateway is there to prevent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from local.gateway.intrinsics import TemplateError

FUNCTION = {
    "CodeUri", "Handler", "Timeout", "MemorySize", "Environment", "Events", "Layers",
    "LoggingConfig", "ReservedConcurrentExecutions",
}  # fmt: skip
# Identity, deployment, encryption, network and observability of the account. The interpreter and
# the architecture are this machine's; a layer of third-party packages is this environment's.
FUNCTION_IGNORED = {
    "Architectures", "AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256",
    "CodeSigningConfigArn", "DeadLetterQueue", "DeploymentPreference", "Description",
    "EphemeralStorage", "EventInvokeConfig", "FunctionName", "KmsKeyArn", "PermissionsBoundary",
    "Policies", "PropagateTags", "ProvisionedConcurrencyConfig", "RecursiveLoop", "Role",
    "RolePath", "Runtime", "RuntimeManagementConfig", "SnapStart", "Tags", "Tracing",
    "VersionDescription", "VpcConfig",
}  # fmt: skip

# Logs go to the terminal, whatever group they belong to in AWS.
LOGGING = {"ApplicationLogLevel", "LogFormat"}
LOGGING_IGNORED = {"LogGroup", "SystemLogLevel"}

API = {"Auth", "CorsConfiguration", "StageName"}
API_IGNORED = {
    "AccessLogSettings", "DefaultRouteSettings", "Description", "DisableExecuteApiEndpoint",
    "Domain", "FailOnWarnings", "Name", "PropagateTags", "RouteSettings", "Tags",
}  # fmt: skip
API_AUTH = {"Authorizers", "DefaultAuthorizer"}
AUTHORIZER = {
    "FunctionArn", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses", "Identity",
}  # fmt: skip
AUTHORIZER_IGNORED = {"EnableFunctionDefaultPermissions", "FunctionInvokeRole"}
IDENTITY = {"Headers", "QueryStrings", "Context", "ReauthorizeEvery"}
CORS = {
    "AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge",
}  # fmt: skip

HTTP_EVENT = {"ApiId", "Auth", "Method", "Path", "PayloadFormatVersion", "TimeoutInMillis"}
HTTP_EVENT_AUTH = {"Authorizer"}
SCHEDULE = {"Schedule", "ScheduleExpression", "Input", "Enabled", "State"}
SCHEDULE_IGNORED = {
    "DeadLetterConfig", "Description", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
    "OmitName", "PermissionsBoundary", "RetryPolicy", "RoleArn", "ScheduleExpressionTimezone",
}  # fmt: skip

EVENT_SOURCE = {"BatchSize", "FunctionName", "SelfManagedEventSource", "Topics"}
EVENT_SOURCE_IGNORED = {
    "MaximumBatchingWindowInSeconds", "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations", "StartingPosition", "Tags",
}  # fmt: skip

# Other ways to declare a function, a route or an invocation, which would be left out silently.
UNSUPPORTED_RESOURCES = (
    "AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Lambda::Function", "AWS::Lambda::Url",
    "AWS::Scheduler::Schedule", "AWS::Serverless::Api", "AWS::Serverless::Connector",
    "AWS::Serverless::StateMachine",
)  # fmt: skip


def check(
    where: str, given: Any, honoured: Collection[str], ignored: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return the properties, or raise on the first that the gateway does not know.

    Args:
        where: Resource and property path, for the message.
        given: The properties as the template has them.
        honoured: Names that the gateway acts upon.
        ignored: Names that mean nothing on one machine.
    """
    if not isinstance(given, Mapping):
        raise TemplateError(f"{where}: expected a mapping, found {type(given).__name__}")
    for name in given:
        if name not in honoured and name not in ignored:
            raise TemplateError(f"{where}: the local gateway does not support {name}")
    return given
