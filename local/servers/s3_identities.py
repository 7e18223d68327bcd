"""Who may do what in the local S3, as the policies of template.yaml say it for AWS."""

from typing import Any

from local.credentials import Credentials


def identities_document(bucket: str, keys: Credentials) -> dict[str, Any]:
    """Return SeaweedFS's identities file; whoever is not in it may do nothing.

    The functions read films, and read and write the signed copies. What is signed with the signer's
    key can only be read, and only below these two prefixes.
    """
    films, copies = f"{bucket}/movies/*", f"{bucket}/playback/*"
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    service = [f"Read:{films}", f"Read:{copies}", f"Write:{copies}", f"List:{bucket}"]
    signer = [f"Read:{films}", f"Read:{copies}"]
    return {
        "identities": [
            _identity("admin", keys.s3_admin_access_key, keys.s3_admin_secret_key, everything),
            _identity("service", keys.s3_service_access_key, keys.s3_service_secret_key, service),
            _identity("signer", keys.s3_signer_access_key, keys.s3_signer_secret_key, signer),
        ]
    }


def _identity(name: str, access_key: str, secret_key: str, actions: list[str]) -> dict[str, Any]:
    credential = {"accessKey": access_key, "secretKey": secret_key}
    return {"name": name, "credentials": [credential], "actions": actions}
