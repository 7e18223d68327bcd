"""Metrics by minute, and CloudWatch's metric math on them, as far as our alarms use it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Series = list[float | None]
"""One value per period; None for periods without data."""
Json = dict[str, Any]
Key = tuple[str, str, frozenset[tuple[str, str]]]

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.And: lambda one, other: one and other,
    ast.Or: lambda one, other: one or other,
}


class Metrics:
    """CloudWatch's data: all values of each metric and minute."""

    def __init__(self) -> None:
        self._values: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, minute: int, namespace: str, name: str, value: float, **dimensions: str) -> None:
        """Add a value to the metric with exactly these dimensions."""
        self._values[namespace, name, frozenset(dimensions.items())][minute].append(value)

    def read(self, minute: int, printed: str) -> None:
        """Add the values of lines in embedded metric format, printed in that minute."""
        for line in map(json.loads, filter(lambda each: each.startswith("{"), printed.split("\n"))):
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    for names in directive["Dimensions"]:
                        dimensions = {each: str(line[each]) for each in names}
                        name, value = metric["Name"], float(line[metric["Name"]])
                        self.add(minute, directive["Namespace"], name, value, **dimensions)

    def invoked(
        self, minute: int, function: str, version: str, times: int = 1, *, errors: int = 0
    ) -> None:
        """Add Lambda's own metrics for invocations through the alias ``live``."""
        by_function = {"FunctionName": function}
        by_alias = {**by_function, "Resource": f"{function}:live"}
        for dimensions in (by_function, by_alias, {**by_alias, "ExecutedVersion": version}):
            self.add(minute, "AWS/Lambda", "Invocations", times, **dimensions)
            self.add(minute, "AWS/Lambda", "Errors", errors, **dimensions)

    def series(self, stat: Json, periods: int) -> Series:
        """Return a ``MetricStat`` over the last periods up to minute 0."""
        metric, minutes = stat["Metric"], int(stat["Period"]) // 60
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        key = metric["Namespace"], metric["MetricName"], frozenset(dimensions.items())
        measured = self._values.get(key, {})
        found: Series = []
        for period in range(1 - periods, 1):
            last = period * minutes
            values = [
                value
                for minute in range(last - minutes + 1, last + 1)
                for value in measured.get(minute, [])
            ]
            found.append(_statistic(str(stat["Stat"]), values) if values else None)
        return found


def _statistic(name: str, values: Sequence[float]) -> float:
    if name == "Sum":
        return sum(values)
    if name == "Maximum":
        return max(values)
    raise NotImplementedError(name)


def is_ringing(alarm: Json, metrics: Metrics) -> bool:
    """Return whether CloudWatch raises the alarm at the end of minute 0, by its properties."""
    periods = int(alarm["EvaluationPeriods"])
    series = _of_alarm(alarm, metrics, periods)
    missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    exceeds: Callable[[float, float], bool] = {
        "GreaterThanThreshold": operator.gt,
        "GreaterThanOrEqualToThreshold": operator.ge,
        "LessThanThreshold": operator.lt,
    }[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    breaching = [missing if each is None else exceeds(each, threshold) for each in series]
    return sum(breaching) >= int(alarm.get("DatapointsToAlarm", periods))


def is_composite_ringing(rule: str, ringing: Mapping[str, bool]) -> bool:
    """Return whether a composite alarm is raised, by its rule and the states of its alarms."""
    text = re.sub(r'ALARM\("([^"]+)"\)', lambda found: str(ringing[found[1]]), rule)
    words = text.replace("AND", "and").replace("OR", "or")
    tree = ast.parse(" ".join(words.split()), mode="eval").body
    return bool(_boolean(tree))


def _boolean(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.BoolOp(kind, parts):
            every = isinstance(kind, ast.And)
            values = [_boolean(part) for part in parts]
            return all(values) if every else any(values)
    raise NotImplementedError(ast.unparse(node))


def _of_alarm(alarm: Json, metrics: Metrics, periods: int) -> Series:
    if "Metrics" not in alarm:
        metric = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
        stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm["Statistic"]}
        return metrics.series(stat, periods)
    queries = {query["Id"]: query for query in alarm["Metrics"]}
    (wanted,) = (query for query in alarm["Metrics"] if query.get("ReturnData", True))
    return _Formula(queries, metrics, periods).of(wanted)


class _Formula:
    """Evaluates the queries of one alarm, which reference each other."""

    def __init__(self, queries: Mapping[str, Json], metrics: Metrics, periods: int) -> None:
        self._queries = queries
        self._metrics = metrics
        self._periods = periods

    def of(self, query: Json) -> Series:
        """Return the values of a query."""
        if "MetricStat" in query:
            return self._metrics.series(query["MetricStat"], self._periods)
        words = {"AND": "and", "OR": "or"}
        text = re.sub(r"\b(AND|OR)\b", lambda word: words[word[0]], query["Expression"])
        return self._series(ast.parse(" ".join(text.split()), mode="eval").body)

    def _series(self, node: ast.expr) -> Series:
        match node:
            case ast.Constant(value=int() | float() as value):
                return [float(value)] * self._periods
            case ast.Name(id=name):
                return self.of(self._queries[name])
            case (
                ast.BinOp(left, kind, right)
                | ast.Compare(left, [kind], [right])
                | ast.BoolOp(kind, [left, right])
            ):
                return self._pairwise(_OPERATORS[type(kind)], left, right)
            case ast.Call(ast.Name(id="IF"), [condition, yes, no]):
                parts = [self._series(each) for each in (condition, yes, no)]
                return [
                    None if test is None else one if test else other
                    for test, one, other in zip(*parts, strict=True)
                ]
            case ast.Call(ast.Name(id="SUM"), [argument]):
                parts = [self._series(each) for each in self._array(argument)]
                return [_sum(values) for values in zip(*parts, strict=True)]
        raise NotImplementedError(ast.unparse(node))

    def _array(self, node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.List(elements):
                return elements
            case ast.Call(ast.Name(id="METRICS"), []):
                found = [key for key, each in self._queries.items() if "MetricStat" in each]
                return [ast.Name(key) for key in found]
        raise NotImplementedError(ast.unparse(node))

    def _pairwise(
        self, function: Callable[[Any, Any], Any], left: ast.expr, right: ast.expr
    ) -> Series:
        return [
            None if one is None or other is None else float(function(one, other))
            for one, other in zip(self._series(left), self._series(right), strict=True)
        ]


def _sum(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) if measured else None
