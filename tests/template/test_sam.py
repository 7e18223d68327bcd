"""Results of SAM's transformation that are used for several combinations of parameters."""

from tests.support.combinations import values
from tests.support.sam import Transformation, sam_transformed
from tests.support.templates import REGION, Json, packaged, transformed

TEMPLATE: Json = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {
        "Traced": {"Type": "String", "Default": "Active"},
        "Unread": {"Type": "String", "Default": ""},
        "Origins": {"Type": "CommaDelimitedList", "Default": "*"},
    },
    "Resources": {
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "app.handler",
                "CodeUri": "s3://artifacts/code.zip",
                "Tracing": {"Ref": "Traced"},
                "Environment": {"Variables": {"UNREAD": {"Ref": "Unread"}}},
                "Events": {"Call": {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}}}},
            },
        },
        "Api": {
            "Type": "AWS::Serverless::HttpApi",
            "Properties": {"CorsConfiguration": {"AllowOrigins": {"Ref": "Origins"}}},
        },
    },
}


def test_a_parameter_that_sam_reads_makes_another_result() -> None:
    """SAM transforms again for other values that it reads, and for a parameter that is missing."""
    transformation = Transformation(TEMPLATE, REGION)
    given = [
        {"Traced": traced, "Unread": unread, "Origins": origins}
        for traced in ("Active", "PassThrough")
        for unread in ("", "1")
        for origins in ("*", "https://a.example,https://b.example")
    ]
    given += [{"Traced": "PassThrough"}, {}]
    results = [transformation.of(parameters) for parameters in given]
    assert results == [sam_transformed(TEMPLATE, each, REGION) for each in given]
    assert len({id(result) for result in results}) == 6


def test_the_template_is_transformed_for_few_parameters() -> None:
    """A result that SAM gives for one value of all other parameters is that for others, too."""
    read = ("CorsAllowOrigins", "Deployment", "Release", "Tracing")
    one = {name: options[0] for name, options in values().items()}
    other = {name: options[-1] for name, options in values().items()}
    other |= {name: one[name] for name in read}
    assert transformed(other) is transformed(one)
    assert transformed(other) == sam_transformed(packaged(), other, REGION)
