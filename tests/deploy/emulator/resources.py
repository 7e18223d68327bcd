"""The types of resources in the templates, each by the API that creates it."""

import json
from typing import Any

from botocore.exceptions import ClientError

from tests.deploy.emulator.kinds import (
    Call,
    Client,
    Json,
    Judged,
    Kind,
    Made,
    Replace,
    ResourceError,
)
from tests.deploy.emulator.lambda_kinds import Alias, Function, Layer, Version
from tests.deploy.emulator.network import NETWORK_KINDS


def _document(policy: Json) -> str:
    """Return a policy; IAM accepts one without a version, moto does not."""
    return json.dumps({"Version": "2012-10-17", **policy["PolicyDocument"]})


class Role:
    """AWS::IAM::Role, whose policies are separate calls."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a role with its policies."""
        name = properties.get("RoleName", name[:64])
        document = json.dumps(properties["AssumeRolePolicyDocument"])
        iam = client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        made = Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
        try:
            self._attach(iam, name, properties)
        except ClientError:
            self.delete(client, made, properties)
            raise
        return made

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Replace the policies."""
        if old.get("RoleName") != new.get("RoleName"):
            raise Replace
        iam = client("iam")
        self._detach(iam, made.physical_id)
        self._attach(iam, made.physical_id, new)
        document = json.dumps(new["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=made.physical_id, PolicyDocument=document)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete a role, its policies first."""
        self._detach(client("iam"), made.physical_id)
        client("iam").delete_role(RoleName=made.physical_id)

    def _attach(self, iam: Any, name: str, properties: Json) -> None:
        for arn in properties.get("ManagedPolicyArns", []):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy in properties.get("Policies", []):
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy["PolicyName"],
                PolicyDocument=_document(policy),
            )

    def _detach(self, iam: Any, name: str) -> None:
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)


class User:
    """AWS::IAM::User."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a user with policies."""
        name = properties.get("UserName", name[:64])
        arn = client("iam").create_user(UserName=name)["User"]["Arn"]
        self._put(client, name, properties)
        return Made(name, {"Arn": arn})

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Replace the policies."""
        self._put(client, made.physical_id, new)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete a user, the policies first."""
        for policy in properties.get("Policies", []):
            client("iam").delete_user_policy(
                UserName=made.physical_id, PolicyName=policy["PolicyName"]
            )
        client("iam").delete_user(UserName=made.physical_id)

    def _put(self, client: Client, name: str, properties: Json) -> None:
        for policy in properties.get("Policies", []):
            client("iam").put_user_policy(
                UserName=name,
                PolicyName=policy["PolicyName"],
                PolicyDocument=_document(policy),
            )


class LogGroup:
    """AWS::Logs::LogGroup, whose retention is a separate call."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a group."""
        name = properties.get("LogGroupName", name)
        client("logs").create_log_group(logGroupName=name)
        group = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        return self.update(client, Made(name, {"Arn": group["arn"]}), properties, properties)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Set the retention of events."""
        if old.get("LogGroupName") != new.get("LogGroupName"):
            raise Replace
        if "RetentionInDays" in new:
            days = int(new["RetentionInDays"])
            client("logs").put_retention_policy(logGroupName=made.physical_id, retentionInDays=days)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete a group with its events."""
        client("logs").delete_log_group(logGroupName=made.physical_id)


class Bucket:
    """AWS::S3::Bucket, with the settings that have other names in the API."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a bucket that must not exist."""
        name = properties.get("BucketName", name[:63].lower())
        s3 = client("s3")
        if name in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
            raise ResourceError(f"{name} already exists")
        region = s3.meta.region_name
        s3.create_bucket(
            Bucket=name,
            **(
                {"CreateBucketConfiguration": {"LocationConstraint": region}}
                if region != "us-east-1"
                else {}
            ),
        )
        made = Made(name, {"Arn": f"arn:aws:s3:::{name}"})
        return self.update(client, made, properties, properties)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Set the configuration for players."""
        if old.get("BucketName") != new.get("BucketName"):
            raise Replace
        names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
        rules = [
            {names.get(name, name): value for name, value in rule.items()}
            for rule in new.get("CorsConfiguration", {}).get("CorsRules", [])
        ]
        if rules:
            client("s3").put_bucket_cors(
                Bucket=made.physical_id, CORSConfiguration={"CORSRules": rules}
            )
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete a bucket, which must be empty."""
        client("s3").delete_bucket(Bucket=made.physical_id)


class BucketPolicy:
    """AWS::S3::BucketPolicy. moto evaluates no condition; all requests count as TLS."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Put the statements that apply with TLS."""
        bucket = properties["Bucket"]
        policy = dict(properties["PolicyDocument"])
        statements = policy["Statement"]
        listed = statements if isinstance(statements, list) else [statements]
        policy["Statement"] = [each for each in listed if "SecureTransport" not in json.dumps(each)]
        if policy["Statement"]:
            client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return Made(bucket)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Put them again."""
        return self.create(client, "", new)

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete them."""
        client("s3").delete_bucket_policy(Bucket=made.physical_id)


class HttpApi:
    """AWS::ApiGatewayV2::Api, created from an OpenAPI document."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create an API with its routes."""
        title = properties["Body"]["info"]["title"]
        made = client("apigatewayv2").create_api(Name=title, ProtocolType="HTTP")
        attributes = {"ApiEndpoint": made["ApiEndpoint"]}
        return self.update(client, Made(made["ApiId"], attributes), properties, properties)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Import the document."""
        document = json.dumps(new["Body"])
        client("apigatewayv2").reimport_api(ApiId=made.physical_id, Body=document)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it."""
        client("apigatewayv2").delete_api(ApiId=made.physical_id)


KINDS: dict[str, Kind] = {
    **NETWORK_KINDS,
    "AWS::ApiGatewayV2::Api": HttpApi(),
    "AWS::ApiGatewayV2::Stage": Call(
        *("apigatewayv2", "CreateStage", "StageName", "DeleteStage"),
        key={"ApiId": "ApiId", "StageName": "StageName"},
        is_remade=True,
    ),
    "AWS::CloudWatch::Alarm": Call(
        *("cloudwatch", "PutMetricAlarm", "AlarmName", "DeleteAlarms"),
        update_operation="PutMetricAlarm",
        key={"AlarmNames": "AlarmName[]"},
        name="AlarmName",
        fixed=("AlarmName",),
    ),
    "AWS::CloudWatch::CompositeAlarm": Judged("cloudwatch", "PutCompositeAlarm", "AlarmName"),
    "AWS::CloudWatch::Dashboard": Call(
        *("cloudwatch", "PutDashboard", "DashboardName", "DeleteDashboards", "PutDashboard"),
        key={"DashboardNames": "DashboardName[]"},
        name="DashboardName",
    ),
    "AWS::CodeDeploy::Application": Call(
        *("codedeploy", "CreateApplication", "applicationName"),
        name="applicationName",
    ),
    "AWS::CodeDeploy::DeploymentGroup": Call(
        *("codedeploy", "CreateDeploymentGroup", "deploymentGroupName"),
        name="deploymentGroupName",
    ),
    "AWS::IAM::AccessKey": Call(
        *("iam", "CreateAccessKey", "AccessKeyId", "DeleteAccessKey"),
        key={"UserName": "UserName", "AccessKeyId": "AccessKeyId"},
        attributes={"SecretAccessKey": "SecretAccessKey"},
    ),
    "AWS::IAM::Role": Role(),
    "AWS::IAM::User": User(),
    "AWS::Lambda::Alias": Alias(),
    "AWS::Lambda::EventInvokeConfig": Call(
        *("lambda", "PutFunctionEventInvokeConfig", "FunctionName"),
        "DeleteFunctionEventInvokeConfig",
        key={"FunctionName": "FunctionName", "Qualifier": "Qualifier"},
    ),
    "AWS::Lambda::EventSourceMapping": Call(
        *("lambda", "CreateEventSourceMapping", "UUID", "DeleteEventSourceMapping"),
        key={"UUID": "UUID"},
    ),
    "AWS::Lambda::Function": Function(),
    "AWS::Lambda::LayerVersion": Layer(),
    "AWS::Lambda::Permission": Call(
        *("lambda", "AddPermission", "StatementId", "RemovePermission"),
        key={"FunctionName": "FunctionName", "StatementId": "StatementId"},
        name="StatementId",
    ),
    "AWS::Lambda::Version": Version(),
    "AWS::Logs::LogGroup": LogGroup(),
    "AWS::Logs::QueryDefinition": Judged("logs", "PutQueryDefinition", "Name"),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
    "AWS::SNS::Subscription": Call(
        *("sns", "Subscribe", "SubscriptionArn", "Unsubscribe"),
        key={"SubscriptionArn": "SubscriptionArn"},
    ),
    "AWS::SNS::Topic": Call(
        *("sns", "CreateTopic", "TopicArn", "DeleteTopic"),
        key={"TopicArn": "TopicArn"},
        name="Name",
        renamed={"TopicName": "Name"},
    ),
    "AWS::Scheduler::Schedule": Call(
        *("scheduler", "CreateSchedule", "Name", "DeleteSchedule", "UpdateSchedule"),
        key={"Name": "Name"},
        name="Name",
        attributes={"Arn": "ScheduleArn"},
        fixed=("Name",),
    ),
}
