"""Reads a SAM template into the gateway's model; the message of an error is one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from local.gateway import api, environment, properties
from local.gateway.intrinsics import REMOVED, Resolver, TemplateError, UnresolvedError, load_yaml
from local.gateway.model import Function, KafkaSource, Service

__all__ = ["TemplateError", "read"]

_DEFAULT_REGION = "us-east-1"


def read(path: Path, given: Mapping[str, str]) -> Service:
    """Return what the template describes.

    Args:
        path: The template; ``CodeUri`` and ``ContentUri`` are relative to its folder.
        given: Values of environment variables, which override those of the template.

    Raises:
        TemplateError: The template cannot be read, or contains something that the gateway does not
            support.
    """
    try:
        template = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as problem:
        raise TemplateError(f"{path}: {' '.join(str(problem).split())}") from None
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise TemplateError(f"{path}: no Resources")
    region = given.get("AWS_REGION", _DEFAULT_REGION)
    resolver = Resolver(template, environment.parameters_from(template, given), region)
    resources = _active(template["Resources"], resolver)
    defaults = template.get("Globals", {})
    functions: dict[str, Function] = {}
    events: dict[str, Mapping[str, Any]] = {}
    apis: dict[str, Mapping[str, Any]] = {}
    sources: list[KafkaSource] = []
    for name, resource in resources.items():
        kind = resource.get("Type", "")
        if kind.startswith(properties.UNSUPPORTED_RESOURCES):
            raise TemplateError(f"{name}: the local gateway does not support {kind}")
        if kind == "AWS::Serverless::HttpApi":
            apis[name] = merge(defaults.get("HttpApi", {}), resource.get("Properties", {}))
        if kind == "AWS::Serverless::Function":
            merged = merge(defaults.get("Function", {}), resource.get("Properties", {}))
            function = _function(name, merged, resources, path.parent, given, resolver, region)
            functions[name] = function
            events[name] = merged.get("Events", {})
        if kind == "AWS::Lambda::EventSourceMapping":
            sources.append(_kafka_source(name, resource.get("Properties", {}), resolver))
    service = api.describe(region, functions, events, apis, resolver)
    return replace(service, kafka_sources=tuple(sources))


def _active(resources: Mapping[str, Any], resolver: Resolver) -> dict[str, Mapping[str, Any]]:
    """Return the resources whose condition is true."""
    active = {}
    for name, resource in resources.items():
        try:
            if "Condition" not in resource or resolver.condition(resource["Condition"]):
                active[name] = resource
        except UnresolvedError as problem:
            message = f"{name}.Condition: {problem} has no value on this machine"
            raise TemplateError(message) from None
    return active


def _function(
    name: str,
    merged: Mapping[str, Any],
    resources: Mapping[str, Mapping[str, Any]],
    root: Path,
    given: Mapping[str, str],
    resolver: Resolver,
    region: str,
) -> Function:
    """Return one function of the template."""
    properties.check(name, merged, properties.FUNCTION, properties.FUNCTION_IGNORED)
    logging = properties.check(
        f"{name}.LoggingConfig",
        merged.get("LoggingConfig", {}),
        properties.LOGGING,
        properties.LOGGING_IGNORED,
    )
    logging = {key: logging[key] for key in properties.LOGGING if key in logging}
    merged = {**merged, "LoggingConfig": logging}
    settings: dict[str, Any] = {}
    for key in sorted(properties.FUNCTION - {"Environment", "Events", "Layers"}):
        if key in merged:
            value = settled(f"{name}.{key}", merged[key], resolver)
            if value is not REMOVED:
                settings[key] = value
    for key in ("CodeUri", "Handler"):
        if not isinstance(settings.get(key), str):
            raise TemplateError(f"{name}: {key} must be a string, the path or name on this machine")
    folder = (root / settings["CodeUri"]).resolve()
    if not folder.is_dir():
        raise TemplateError(f"{name}.CodeUri: no folder {settings['CodeUri']}")
    directories = (folder, *_layers(name, merged.get("Layers", []), resources, root, resolver))
    variables = properties.check(
        f"{name}.Environment", merged.get("Environment", {}), {"Variables"}
    ).get("Variables", {})
    try:
        timeout, memory = float(settings.get("Timeout", 3)), int(settings.get("MemorySize", 128))
        reserved = settings.get("ReservedConcurrentExecutions")
        reserved = None if reserved is None else int(reserved)
    except (TypeError, ValueError) as problem:
        raise TemplateError(f"{name}: {problem}") from None
    return Function(
        name=name,
        handler=settings["Handler"],
        timeout=timeout,
        memory=memory,
        directories=directories,
        environment={
            **environment.declared(name, variables, given, resolver),
            **environment.runtime(name, settings, directories, given, region),
        },
        arn=resolver.function_arn(name),
        reserved=reserved,
    )


def _layers(
    name: str,
    layers: Any,
    resources: Mapping[str, Mapping[str, Any]],
    root: Path,
    resolver: Resolver,
) -> list[Path]:
    """Return the ``python`` folders of the function's layers.

    A layer without one is built from a lock file; this interpreter has its packages installed.
    """
    folders = []
    for layer in settled_references(f"{name}.Layers", layers, resolver):
        resource = resources.get(layer, {})
        if resource.get("Type") != "AWS::Serverless::LayerVersion":
            raise TemplateError(f"{name}.Layers: {layer} is not a layer of this template")
        content = settled(f"{layer}.ContentUri", resource["Properties"]["ContentUri"], resolver)
        folder = (root / content / "python").resolve()
        if folder.is_dir():
            folders.append(folder)
    return folders


def _kafka_source(name: str, given: Mapping[str, Any], resolver: Resolver) -> KafkaSource:
    """Return one event source mapping, which must be of a self-managed Kafka."""
    properties.check(name, given, properties.EVENT_SOURCE, properties.EVENT_SOURCE_IGNORED)
    honoured = {key: given[key] for key in properties.EVENT_SOURCE if key in given}
    values = settled(name, honoured, resolver)
    try:
        return KafkaSource(
            name=name,
            function=values["FunctionName"],
            bootstrap_servers=tuple(
                values["SelfManagedEventSource"]["Endpoints"]["KafkaBootstrapServers"]
            ),
            topics=tuple(values["Topics"]),
            batch_size=int(values.get("BatchSize", 100)),
            from_start=values.get("StartingPosition") == "TRIM_HORIZON",
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise TemplateError(f"{name}: {problem}") from None


def settled_references(where: str, references: Any, resolver: Resolver) -> list[str]:
    """Return the logical ids in a list of ``!Ref``, with conditions evaluated.

    Raises `TemplateError` for any other reference.
    """
    names: list[str] = []
    for reference in references if isinstance(references, list) else [references]:
        if isinstance(reference, Mapping) and set(reference) == {"Fn::If"}:
            condition, yes, no = reference["Fn::If"]
            chosen = yes if resolver.condition(condition) else no
            names.extend(settled_references(where, chosen, resolver))
        elif isinstance(reference, Mapping) and isinstance(reference.get("Ref"), str):
            if reference["Ref"] != "AWS::NoValue":
                names.append(reference["Ref"])
        else:
            raise TemplateError(f"{where}: only layers of this template, not {reference}")
    return names


def settled(where: str, value: Any, resolver: Resolver) -> Any:
    """Return a property's value with its intrinsic functions evaluated. Raises `TemplateError`."""
    try:
        return resolver.resolve(value)
    except UnresolvedError as problem:
        raise TemplateError(f"{where}: {problem} has no value on this machine") from None


def merge(defaults: Any, own: Any) -> Any:
    """Merge Globals into a resource like SAM: merge mappings, concatenate lists, replace others."""
    if isinstance(defaults, Mapping) and isinstance(own, Mapping):
        intrinsic = any(key == "Ref" or key.startswith("Fn::") for key in (*defaults, *own))
        if not intrinsic:
            shared = {key: merge(defaults[key], own[key]) for key in defaults if key in own}
            return {**defaults, **own, **shared}
    if isinstance(defaults, list) and isinstance(own, list):
        return [*defaults, *own]
    return own
