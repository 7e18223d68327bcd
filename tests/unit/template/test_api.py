"""The API and its routes."""

from tests.support.templates import Json, source
from tests.unit.template.conftest import of_type

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
