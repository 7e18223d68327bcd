"""The environment of the SAM process, which determines builds and the functions' credentials."""

import os


def environment(
    *, access_key: str, secret_key: str, region: str, architecture: str, python: str
) -> dict[str, str]:
    """Return the environment for `sam build` and `sam local`.

    SAM passes its AWS credentials to the functions as those of their role, so the developer's real
    credentials are excluded.

    Args:
        access_key: The access key of the functions' role.
        secret_key: The secret key of the functions' role.
        region: The region of the bucket.
        architecture: The target of the layers' makefiles, which get no parameters from SAM.
        python: The Python version, such as 3.13, for which they build.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **others,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # SAM asks STS for the account of the key. A refused connection is sufficient, and faster.
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
        "ARCHITECTURE": architecture,
        "RUNTIME_VERSION": python,
        "SAM_CLI_TELEMETRY": "0",
    }
