"""The template properties that the gateway supports, and those without effect on one machine.

Any other property prevents the start: if it were ignored silently, the deployment would behave
differently from the local gateway.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from local.gateway.intrinsics import TemplateError

FUNCTION = {
    "CodeUri", "Handler", "Timeout", "MemorySize", "Environment", "Events", "Layers",
    "LoggingConfig", "ReservedConcurrentExecutions",
}  # fmt: skip
# Identity, deployment, encryption, network and observability of the account. The interpreter, the
# architecture and third-party packages are those of this machine.
FUNCTION_IGNORED = {
    "Architectures", "AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256",
    "CodeSigningConfigArn", "DeadLetterQueue", "DeploymentPreference", "Description",
    "EphemeralStorage", "EventInvokeConfig", "FunctionName", "KmsKeyArn", "PermissionsBoundary",
    "Policies", "PropagateTags", "ProvisionedConcurrencyConfig", "RecursiveLoop", "Role",
    "RolePath", "Runtime", "RuntimeManagementConfig", "SnapStart", "Tags", "Tracing",
    "VersionDescription", "VpcConfig",
}  # fmt: skip

# Logs go to the terminal instead of a log group.
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

EVENT_SOURCE = {
    "BatchSize", "FunctionName", "SelfManagedEventSource", "StartingPosition", "Topics",
}  # fmt: skip
# The gateway retries a failed batch without end, so nothing reaches a destination of failures.
EVENT_SOURCE_IGNORED = {
    "BisectBatchOnFunctionError", "DestinationConfig", "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "ProvisionedPollerConfig",
    "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations", "Tags",
}  # fmt: skip

# Other declarations of functions, routes or invocations; ignoring them would be a silent error.
UNSUPPORTED_RESOURCES = (
    "AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Lambda::Function", "AWS::Lambda::Url",
    "AWS::Scheduler::Schedule", "AWS::Serverless::Api", "AWS::Serverless::Connector",
    "AWS::Serverless::StateMachine",
)  # fmt: skip


def check(
    where: str, given: Any, honoured: Collection[str], ignored: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return the properties. Raises `TemplateError` for the first unsupported one.

    Args:
        where: Resource and property path, for the message.
        given: The properties as in the template.
        honoured: The names of supported properties.
        ignored: The names of properties without effect on one machine.
    """
    if not isinstance(given, Mapping):
        raise TemplateError(f"{where}: expected a mapping, found {type(given).__name__}")
    for name in given:
        if name not in honoured and name not in ignored:
            raise TemplateError(f"{where}: the local gateway does not support {name}")
    return given
