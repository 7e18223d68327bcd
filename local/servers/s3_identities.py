"""The permissions in the local S3, with the policies of template.yaml."""

import json
from typing import Any

from local.credentials import Credentials

Statement = dict[str, Any]


def policies(bucket: str) -> dict[str, list[Statement]]:
    """Return the statements of each identity except the administrator.

    The functions read films and write the signed copies. They may also read copies: a presigned URL
    has the permissions of the key that signs it, which may be the functions' own key. A URL signed
    with the signer's key can only read, and only below these two prefixes.
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
    """Return SeaweedFS's identities file; an identity that is not in it has no permissions."""
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
