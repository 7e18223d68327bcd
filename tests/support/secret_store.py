"""AWS Secrets Manager with one secret, behind a proxy that counts and breaks connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tests.support import moto_server
from tests.support.tcp_proxy import TcpProxy


class SecretStore:
    """Listens at ``url``, behind ``proxy``. The secret's name is ``arn``."""

    def __init__(self, text: str, proxy: TcpProxy) -> None:
        made = moto_server.client("secretsmanager").create_secret(
            Name=f"streaming/{uuid4()}", SecretString=text
        )
        self.arn: str = made["ARN"]
        self.proxy = proxy

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.proxy.port}"

    @property
    def reads(self) -> int:
        """The number of requests."""
        return self.proxy.accepted

    def put(self, text: str) -> None:
        """Replace the secret's text."""
        moto_server.client("secretsmanager").put_secret_value(SecretId=self.arn, SecretString=text)


@contextmanager
def secret_store(text: str) -> Iterator[SecretStore]:
    """Serve ``text`` as a secret in the context."""
    with TcpProxy(moto_server.port()) as proxy:
        yield SecretStore(text, proxy)
