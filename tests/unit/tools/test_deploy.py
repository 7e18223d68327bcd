"""The settings of an environment for `make deploy`, and the name of a release."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.functions import ROOT
from tools.deploy import changes, defaults, release
from tools.deploy.changes import Resource
from tools.deploy.release import Deployed
from tools.deploy.settings import SettingsError, read

_SOUND = "UPDATE_COMPLETE"
_ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A built template that refers to a folder of code and to another template."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("handler = None\n")
    (tmp_path / "nested.yaml").write_text("Resources: {}\n")
    path = tmp_path / "template.yaml"
    path.write_text("Resources:\n  A:\n    CodeUri: code\n  B:\n    TemplateURL: nested.yaml\n")
    return path


def test_everything_that_is_deployed_counts(template: Path) -> None:
    """The release differs for another file, name, template or parameter, and only then."""
    folder = template.parent
    seen = [release.content(template, {"A": "1"})]
    assert seen == [release.content(template, {"A": "1"})]
    (folder / "code" / "app.py").write_text("handler = print\n")
    seen.append(release.content(template, {"A": "1"}))
    (folder / "code" / "app.py").rename(folder / "code" / "main.py")
    seen.append(release.content(template, {"A": "1"}))
    (folder / "nested.yaml").write_text("Resources: {C: {}}\n")
    seen.append(release.content(template, {"A": "1"}))
    template.write_text(template.read_text() + "Outputs: {}\n")
    seen.append(release.content(template, {"A": "1"}))
    seen.append(release.content(template, {"A": "2"}))
    assert len(seen) == len(set(seen))


def test_what_python_leaves_behind_does_not_count(template: Path) -> None:
    """Byte code from running the functions in their folders is no change."""
    before = release.content(template, {})
    (template.parent / "code" / "__pycache__").mkdir()
    (template.parent / "code" / "__pycache__" / "app.pyc").write_bytes(b"code")
    assert before == release.content(template, {})


def test_place_does_not_count(template: Path, tmp_path: Path) -> None:
    """The same artefacts in another folder, as in a workflow, are the same content."""
    before = release.content(template, {})
    text = template.read_text().replace("CodeUri: code", "CodeUri: ../code")
    (tmp_path / "build").mkdir()
    (tmp_path / "nested.yaml").rename(tmp_path / "build" / "nested.yaml")
    (tmp_path / "build" / "template.yaml").write_text(text)
    assert before == release.content(tmp_path / "build" / "template.yaml", {})


def test_release_of_a_sound_stack() -> None:
    """Unchanged content of a healthy stack keeps its release, and other content gets another."""
    first = release.value("a" * 64, None)
    assert first == release.value("a" * 64, Deployed(_SOUND, first, "monday"))
    assert first[:10] != release.value("b" * 64, Deployed(_SOUND, first, "monday"))[:10]


def test_release_after_a_rollback() -> None:
    """After a rollback the same content gets another name, and keeps it once it is deployed."""
    first = release.value("a" * 64, None)
    second = release.value("a" * 64, Deployed(_ROLLED_BACK, first, "monday"))
    third = release.value("a" * 64, Deployed(_ROLLED_BACK, first, "tuesday"))
    assert len({first[:10], second[:10], third[:10]}) == 3
    assert second == release.value("a" * 64, Deployed(_SOUND, second, "tuesday"))


def test_defaults_of_a_built_template(tmp_path: Path) -> None:
    """The parameters in SAM's output, in each form that it has for a default."""
    path = tmp_path / "template.yaml"
    document = {
        "Globals": {"Default": "none"},
        "Parameters": {
            "Text": {"Description": "a long text " * 20, "Default": "postgresql://a@b:1/c?d=e"},
            "Number": {"Type": "Number", "AllowedValues": [1, 2], "Default": 1},
            "Empty": {"Default": ""},
            "Quoted": {"Default": "it's *"},
            "Switch": {"AllowedValues": ["on", "off"], "Default": "off"},
            "Required": {"Type": "String"},
        },
        "Resources": {"A": {"Properties": {"Default": "none"}}},
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    assert defaults.read(path) == {
        "Text": "postgresql://a@b:1/c?d=e",
        "Number": "1",
        "Empty": "",
        "Quoted": "it's *",
        "Switch": "off",
    }


def test_parameters_that_are_set_back() -> None:
    """A parameter that the stack has and the configuration omits is passed with its default."""
    known = {"A": "1", "B": "2", "C": "3", "D": "4"}
    held = {"A": "1", "B": "20", "C": "30", "Gone": "5"}
    assert defaults.resets(known, held, {"C": "30"}) == {"B": "2"}


def test_changes() -> None:
    """Each resource is named under what happened to it; without a change a line says so."""
    before = {name: Resource(f"{name}-1", "monday") for name in "abcd"}
    after = {
        "a": before["a"],
        "b": Resource("b-1", "tuesday"),
        "c": Resource("c-2", "tuesday"),
        **{name: Resource(f"{name}-1", "tuesday") for name in "fe"},
    }
    assert changes.lines(before, after) == [
        "Created: e, f",
        "Updated: b",
        "Replaced: c",
        "Deleted: d",
    ]
    assert changes.lines(before, before) == ["Nothing changed"]


def test_target(tmp_path: Path) -> None:
    """Architecture and Python of the layers are those of the parameters."""
    path = tmp_path / "samconfig.toml"
    path.write_text(
        '[dev.global.parameters]\nstack_name = "a"\n[dev.deploy.parameters]\n'
        'parameter_overrides = "Architecture=x86_64 PythonRuntime=python3.12 A=\\"b c\\""\n'
    )
    settings = read("dev", path)
    assert settings.target == {"ARCHITECTURE": "x86_64", "RUNTIME_VERSION": "3.12"}
    assert settings.parameters["A"] == "b c"


def test_unknown_environment() -> None:
    """An environment that samconfig.toml does not have is rejected with a list of those it has."""
    with pytest.raises(SettingsError, match="dev, staging, prod"):
        read("production")


def run_tool(folder: Path, *options: str) -> list[str]:
    """Deploy the environment dev with failing command lines; return their arguments."""
    calls = folder / "calls"
    tool = folder / "tool"
    tool.write_text(f'#!/bin/sh\necho "$@" >>{calls}\necho "does not exist" >&2\nexit 1\n')
    tool.chmod(0o755)
    path = folder / "samconfig.toml"
    path.write_text(
        '[dev.global.parameters]\nstack_name = "a"\nregion = "eu-north-1"\n'
        '[dev.deploy.parameters]\nprofile = "work"\n'
    )
    (folder / "template.yaml").write_text("Resources: {}\n")
    command = [sys.executable, "-m", "tools.deploy", "dev", *options, "--config", str(path)]
    command += ["--build-dir", str(folder), "--sam", str(tool), "--aws", str(tool)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 1
    return calls.read_text().splitlines()


def test_both_command_lines_ask_the_same_account(tmp_path: Path) -> None:
    """Region and profile of samconfig.toml are used for SAM and for queries of the stack."""
    calls = run_tool(tmp_path, "--built")
    assert [line.split()[0] for line in calls] == ["cloudformation", "deploy"]
    assert all("--region eu-north-1 --profile work" in line for line in calls)


def test_a_template_that_is_refused_is_neither_built_nor_deployed(tmp_path: Path) -> None:
    """SAM and cfn-lint check the template before anything else."""
    (checked,) = run_tool(tmp_path)
    assert checked.startswith("validate --lint")


def test_stack_name_that_functions_cannot_be_named_after(tmp_path: Path) -> None:
    """A stack name too long for the functions' names is rejected before the build."""
    path = tmp_path / "samconfig.toml"
    longest = "a" * 43
    path.write_text(f'[dev.global.parameters]\nstack_name = "{longest}"\n')
    assert read("dev", path).stack_name == longest
    path.write_text(f'[dev.global.parameters]\nstack_name = "{longest}a"\n')
    with pytest.raises(SettingsError, match="more than 43"):
        read("dev", path)
