"""The resources of infrastructure/data-plane.yaml: a network in moto, servers by shape."""

import json

from tests.deploy.emulator.kinds import Call, Client, Json, Judged, Kind, Made, Replace


class SecurityGroup:
    """AWS::EC2::SecurityGroup, whose rules are separate calls."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create a group with its rules."""
        ec2 = client("ec2")
        made = ec2.create_security_group(
            GroupName=name, Description=properties["GroupDescription"], VpcId=properties["VpcId"]
        )
        for rule in properties.get("SecurityGroupIngress", []):
            _allow(client, made["GroupId"], rule)
        return Made(made["GroupId"], {"GroupId": made["GroupId"]})

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Create another one."""
        raise Replace

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it."""
        client("ec2").delete_security_group(GroupId=made.physical_id)


class Ingress:
    """AWS::EC2::SecurityGroupIngress."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Add the rule."""
        _allow(client, properties["GroupId"], properties)
        return Made(name)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Create another one."""
        raise Replace

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Remove the rule."""
        client("ec2").revoke_security_group_ingress(
            GroupId=properties["GroupId"], IpPermissions=[_rule(properties)]
        )


class Secret:
    """AWS::SecretsManager::Secret, whose text may be generated."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Generate the text, and create the secret."""
        secrets = client("secretsmanager")
        text = properties.get("SecretString", "")
        if "GenerateSecretString" in properties:
            generated = dict(properties["GenerateSecretString"])
            fields = json.loads(generated.pop("SecretStringTemplate"))
            key = generated.pop("GenerateStringKey")
            password = secrets.get_random_password(**generated)["RandomPassword"]
            text = json.dumps({**fields, key: password})
        made = secrets.create_secret(
            Name=name, SecretString=text, Description=properties.get("Description", "")
        )
        return Made(made["ARN"])

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Replace the text, if it is given."""
        if old.get("GenerateSecretString") != new.get("GenerateSecretString"):
            raise Replace
        if "SecretString" in new:
            client("secretsmanager").put_secret_value(
                SecretId=made.physical_id, SecretString=new["SecretString"]
            )
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete it."""
        client("secretsmanager").delete_secret(SecretId=made.physical_id)


def _rule(properties: Json) -> Json:
    return {
        "IpProtocol": properties["IpProtocol"],
        "FromPort": int(properties["FromPort"]),
        "ToPort": int(properties["ToPort"]),
        "UserIdGroupPairs": [{"GroupId": properties["SourceSecurityGroupId"]}],
    }


def _allow(client: Client, group: str, rule: Json) -> None:
    client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[_rule(rule)])


NETWORK_KINDS: dict[str, Kind] = {
    "AWS::EC2::VPC": Call(
        *("ec2", "CreateVpc", "VpcId", "DeleteVpc"),
        key={"VpcId": "VpcId"},
        dropped=("EnableDnsHostnames", "EnableDnsSupport"),
    ),
    "AWS::EC2::Subnet": Call(
        *("ec2", "CreateSubnet", "SubnetId", "DeleteSubnet"), key={"SubnetId": "SubnetId"}
    ),
    "AWS::EC2::RouteTable": Call(
        *("ec2", "CreateRouteTable", "RouteTableId", "DeleteRouteTable"),
        key={"RouteTableId": "RouteTableId"},
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Call(
        *("ec2", "AssociateRouteTable", "AssociationId", "DisassociateRouteTable"),
        key={"AssociationId": "AssociationId"},
    ),
    "AWS::EC2::SecurityGroup": SecurityGroup(),
    "AWS::EC2::SecurityGroupIngress": Ingress(),
    "AWS::EC2::VPCEndpoint": Call(
        *("ec2", "CreateVpcEndpoint", "VpcEndpointId", "DeleteVpcEndpoints"),
        key={"VpcEndpointIds": "VpcEndpointId[]"},
    ),
    "AWS::RDS::DBSubnetGroup": Judged("rds", "CreateDBSubnetGroup", "DBSubnetGroupName"),
    "AWS::RDS::DBCluster": Judged(
        "rds",
        "CreateDBCluster",
        "DBClusterIdentifier",
        attributes={"DBClusterArn": "arn:aws:rds:eu-central-1:123456789012:cluster:{name}"},
    ),
    "AWS::RDS::DBInstance": Judged("rds", "CreateDBInstance", "DBInstanceIdentifier"),
    "AWS::RDS::DBProxy": Judged(
        "rds", "CreateDBProxy", "DBProxyName", attributes={"Endpoint": "{name}.proxy.example.com"}
    ),
    "AWS::RDS::DBProxyTargetGroup": Judged(
        "rds",
        "RegisterDBProxyTargets",
        "TargetGroupName",
        dropped=("ConnectionPoolConfigurationInfo",),
    ),
    "AWS::ElastiCache::ServerlessCache": Judged(
        "elasticache",
        "CreateServerlessCache",
        "ServerlessCacheName",
        attributes={"Endpoint.Address": "{name}.cache.example.com", "Endpoint.Port": "6379"},
    ),
    "AWS::MSK::ServerlessCluster": Judged(
        "kafka",
        "CreateClusterV2",
        "ClusterName",
        attributes={"Arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/{name}/id"},
        wrapper="Serverless",
        renamed={"SecurityGroups": "SecurityGroupIds"},
    ),
    "AWS::SecretsManager::Secret": Secret(),
}
