"""CloudFormation's evaluation of a template beyond that of `make run`: rules and networks."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from itertools import islice
from typing import Any

from local.gateway.intrinsics import Resolver, text_of
from tests.support.templates import Json


class Intrinsics(Resolver):
    """Evaluates the intrinsic functions of one template, including those of rules and networks.

    Args:
        template: The parsed template, transformed or not.
        parameters: Values that replace the defaults of its parameters.
        region: The value of ``AWS::Region``.
    """

    def __init__(self, template: Json, parameters: Mapping[str, str], region: str) -> None:
        super().__init__(template, parameters, region)
        self._functions |= {
            "Fn::Equals": lambda pair: len({text_of(self.resolve(each)) for each in pair}) == 1,
            "Fn::Contains": lambda pair: self.resolve(pair[1]) in self.resolve(pair[0]),
            "Fn::EachMemberEquals": lambda pair: set(self.resolve(pair[0])) == {pair[1]},
            "Fn::Cidr": self._cidr,
            "Fn::GetAZs": lambda _: [f"{region}{zone}" for zone in "abc"],
        }

    def resolve(self, value: Any) -> Any:
        """Return the resolved value; a dynamic reference to a secret is not resolved."""
        if isinstance(value, str) and "{{resolve:" in value:
            return value
        return super().resolve(value)

    def broken_rules(self, template: Json) -> Iterator[tuple[Json, Json]]:
        """Yield each violated assertion of the template's ``Rules``, with the rule's name."""
        for rule in template.get("Rules", {}).values():
            if "RuleCondition" not in rule or self.resolve(rule["RuleCondition"]):
                for assertion in rule["Assertions"]:
                    if not self.resolve(assertion["Assert"]):
                        yield rule, assertion

    def _cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = (self.resolve(each) for each in argument)
        subnets = ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(each) for each in islice(subnets, int(count))]
