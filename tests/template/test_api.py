"""The API and its routes."""

import json

from tests.support.templates import Json, source
from tests.template.conftest import of_type

OPEN_ROUTES = {"GET /docs", "GET /openapi.json", "GET /health"}


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
    """Every route uses the authorizer, except the three that need no token."""
    unguarded = {
        key
        for key, operation in routes(resources).items()
        if operation.get("security") != [{"TokenAuthorizer": []}]
    }
    assert unguarded == OPEN_ROUTES


def test_sam_local_can_find_the_authorizer() -> None:
    """The authorizer has no FunctionName: for a function with one, `sam local` lacks the ARN."""
    (authorizer,) = source()["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"].values()
    named = authorizer["FunctionArn"]["Fn::Sub"].removeprefix("${").removesuffix(".Arn}:live")
    assert "FunctionName" not in source()["Resources"][named]["Properties"]


def test_the_authorizer_is_called_by_its_alias(resources: Json) -> None:
    """The API calls the authorizer's version that is rolled out, and may call no other."""
    (api,) = of_type(resources, "AWS::ApiGatewayV2::Api").values()
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    uri = scheme["x-amazon-apigateway-authorizer"]["authorizerUri"]["Fn::Sub"]
    assert uri[1] == {"__FunctionArn__": {"Fn::Sub": "${AuthorizerFunction.Arn}:live"}}
    allowed = [
        permission["FunctionName"]
        for permission in of_type(resources, "AWS::Lambda::Permission").values()
        if "/authorizers/*" in json.dumps(permission.get("SourceArn"))
    ]
    assert allowed == [{"Ref": "AuthorizerFunctionAliaslive"}]
    assert resources["AuthorizerFunctionAliaslive"]["Properties"]["Name"] == "live"
