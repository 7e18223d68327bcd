"""What SAM itself sees of its surroundings, which decides what it builds and hands to functions."""

import os


def environment(
    *, access_key: str, secret_key: str, region: str, architecture: str, python: str
) -> dict[str, str]:
    """Return the environment for `sam build` and `sam local`.

    SAM hands to the functions as their role what it knows of AWS: a developer's real account must
    not get there.

    Args:
        access_key: Of the functions' role.
        secret_key: Of the functions' role.
        region: Of the bucket.
        architecture: What the layers' makefiles build for, which get no parameters from SAM.
        python: Version of Python, such as 3.13, that they build for.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **others,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # SAM asks AWS whose key this is; no answer is as good, and sooner there.
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
        "ARCHITECTURE": architecture,
        "RUNTIME_VERSION": python,
        "SAM_CLI_TELEMETRY": "0",
    }
