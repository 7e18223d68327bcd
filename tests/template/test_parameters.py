"""Parameters, and the values of the stages."""

import tomllib

from tests.support.templates import ROOT, source


def test_parameters_are_explained_and_grouped() -> None:
    """Every parameter has a description and is in one group of the console's form."""
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(source()["Parameters"])
    assert all(item.get("Description") for item in source()["Parameters"].values())


def test_deployments_set_parameters_that_exist() -> None:
    """samconfig.toml sets no parameter that the template does not have."""
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for stage in ("dev", "staging", "prod"):
        for override in configuration[stage]["deploy"]["parameters"]["parameter_overrides"]:
            name, _, value = override.partition("=")
            allowed = source()["Parameters"][name].get("AllowedValues")
            assert allowed is None or value in map(str, allowed)
