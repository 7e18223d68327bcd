"""Serves a service whose requests and responses botocore's model describes."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Request, Response

_PART = re.compile(r"\{(\w+)(\+?)\}")


class AwsError(Exception):
    """A service's error, with its code in botocore's model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Wire:
    """Implements the operations of one service with the methods of ``service`` of the same names.

    A method takes the members of the request by their names in snake case.
    """

    def __init__(self, name: str, service: object) -> None:
        self._name = name
        self._service = service
        self._model: Any = get_service_model(name)
        self._routes = [
            self._route(each) for each in self._model.operation_names if "rest" in self._protocol
        ]

    @property
    def _protocol(self) -> str:
        return str(self._model.metadata["protocol"])

    def __call__(self, request: Request) -> Response:
        """Respond to one request."""
        operation, url_parameters = self._find(request)
        model = self._model.operation_model(operation)
        parser = PROTOCOL_PARSERS[self._protocol](model)
        parameters = parser.parse(
            {
                "body": request.get_data(parse_form_data=self._protocol == "query"),
                "headers": request.headers,
                "method": request.method,
                "url_params": url_parameters,
                "url_path": request.path,
                "values": request.values,
            }
        )
        serializer = get_serializer_class(self._name, self._protocol)(model)
        answer = serializer.serialize(self._result(operation, parameters))
        return Response(answer["body"], answer["status_code"], answer["headers"])

    def _result(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        method: Callable[..., Any] | None = getattr(self._service, xform_name(operation), None)
        if method is None:
            return AwsError("InvalidAction", f"the emulated {self._name} has no {operation}")
        try:
            return method(**{xform_name(name): value for name, value in parameters.items()}) or {}
        except AwsError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the caller is told
            return AwsError("ValidationError", f"the emulator failed with {error!r}")

    def _find(self, request: Request) -> tuple[str, dict[str, str]]:
        if self._protocol == "query":
            return request.values["Action"], {}
        for operation, method, pattern in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return operation, match.groupdict()
        raise AwsError("InvalidAction", f"{request.method} {request.path}")

    def _route(self, operation: str) -> tuple[str, str, re.Pattern[str]]:
        http = self._model.operation_model(operation).http
        path = http["requestUri"].partition("?")[0]
        pattern = _PART.sub(lambda part: f"(?P<{part[1]}>{'.+' if part[2] else '[^/]+'})", path)
        return operation, http["method"], re.compile(pattern)
