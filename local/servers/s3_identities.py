"""Who may do what in the local S3, by the policies that template.yaml has for AWS."""

import json
from typing import Any

from local.credentials import Credentials

Statement = dict[str, Any]


def policies(bucket: str) -> dict[str, list[Statement]]:
    """Return the statements of each identity but the administrator's.

    The functions read films, and write the signed copies. They may read copies because players have
    the rights of the key that signs, which may be the functions' own. What is signed with the
    signer's key can only be read, and only below these two prefixes.
    """
    films, copies = f"arn:aws:s3:::{bucket}/movies/*", f"arn:aws:s3:::{bucket}/playback/*"
    return {
        "service": [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [films]},
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [copies]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [copies]},
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket}"],
                "Condition": {"StringLike": {"s3:prefix": ["movies/*"]}},
            },
        ],
        "signer": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [films, copies]}],
    }


def identities_document(bucket: str, keys: Credentials) -> dict[str, Any]:
    """Return SeaweedFS's identities file; whoever is not in it may do nothing."""
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    return {
        "identities": [
            {
                **_identity("admin", keys.s3_admin_access_key, keys.s3_admin_secret_key),
                "actions": everything,
            },
            {
                **_identity("service", keys.s3_service_access_key, keys.s3_service_secret_key),
                "policyNames": ["service"],
            },
            {
                **_identity("signer", keys.s3_signer_access_key, keys.s3_signer_secret_key),
                "policyNames": ["signer"],
            },
        ],
        "policies": [
            {
                "name": name,
                "content": json.dumps({"Version": "2012-10-17", "Statement": statements}),
            }
            for name, statements in policies(bucket).items()
        ],
    }


def _identity(name: str, access_key: str, secret_key: str) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": access_key, "secretKey": secret_key}]}
