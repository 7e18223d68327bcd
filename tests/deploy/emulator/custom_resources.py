"""Custom resources: CloudFormation invokes a function, which sends the result by a PUT."""

import json
from threading import Event
from uuid import uuid4

from tests.deploy.emulator.kinds import Client, Json, Made, ResourceError

_SECONDS = 60.0


class CustomResources:
    """Invokes the functions and receives their responses at ``url``."""

    PATH = "/cloudformation-response/"

    def __init__(self) -> None:
        self.url = ""
        self._answers: dict[str, Json] = {}
        self._answered: dict[str, Event] = {}

    def of(self, stack_id: str) -> "CustomResource":
        """Return the kind for the resources of a stack."""
        return CustomResource(self, stack_id)

    def receive(self, path: str, body: bytes) -> None:
        """Receive the body of a function's PUT."""
        request = path.removeprefix(self.PATH)
        self._answers[request] = json.loads(body)
        self._answered[request].set()

    def ask(self, client: Client, function: str, event: Json) -> Json:
        """Invoke the function and wait for its response.

        Raises:
            ResourceError: The response is a failure, or there is none.
        """
        request = str(uuid4())
        answered = self._answered[request] = Event()
        url = f"{self.url}{self.PATH}{request}?signature=of-s3"
        payload = {**event, "RequestId": request, "ResponseURL": url, "ServiceToken": function}
        client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        if not answered.wait(_SECONDS):
            raise ResourceError("CloudFormation did not receive a response")
        answer = self._answers[request]
        if answer["Status"] != "SUCCESS":
            raise ResourceError(f"Received response status [FAILED]: {answer['Reason']}")
        return answer


class CustomResource:
    """AWS::CloudFormation::CustomResource."""

    def __init__(self, resources: CustomResources, stack_id: str) -> None:
        self._resources = resources
        self._stack_id = stack_id

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Invoke the function to create it."""
        return self._ask(client, "Create", {"LogicalResourceId": name}, properties)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Invoke the function to update it."""
        about = {
            "LogicalResourceId": made.attributes["@name"],
            "PhysicalResourceId": made.physical_id,
            "OldResourceProperties": old,
        }
        return self._ask(client, "Update", about, new)

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Invoke the function to delete it."""
        about = {
            "LogicalResourceId": made.attributes["@name"],
            "PhysicalResourceId": made.physical_id,
        }
        self._ask(client, "Delete", about, properties)

    def _ask(self, client: Client, request: str, about: Json, properties: Json) -> Made:
        event = {
            "RequestType": request,
            "StackId": self._stack_id,
            "ResourceType": "AWS::CloudFormation::CustomResource",
            "ResourceProperties": properties,
            **about,
        }
        answer = self._resources.ask(client, properties["ServiceToken"], event)
        attributes = {**answer.get("Data", {}), "@name": about["LogicalResourceId"]}
        return Made(answer["PhysicalResourceId"], attributes)
