#!/bin/sh
# Creates what template.yaml creates in AWS: a private bucket with a lifecycle, and two users with
# minimal permissions. Idempotent. Uses only the shell and mc, because the image contains no more.
set -eu

bucket=vod
here="$(dirname "$0")"

# Creates a user, or updates the secret of an existing one, with the one policy of the same name.
user() {
    mc admin user add local "$2" "$3"
    mc admin policy create local "$1" "$here/$1.json"
    # Attaching an attached policy is an error in some releases.
    case "$(mc --json admin user info local "$2")" in
        *"\"policyName\":\"$1\""*) ;;
        *) mc admin policy attach local "$1" --user "$2" ;;
    esac
}

mc alias set local "$MINIO_URL" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
mc mb --ignore-existing "local/$bucket"
# A bucket of an older set-up may be public.
mc anonymous set private "local/$bucket"
mc ilm rule import "local/$bucket" <"$here/lifecycle.json"
user signer "$SIGNER_ACCESS_KEY" "$SIGNER_SECRET_KEY"
user service "$SERVICE_ACCESS_KEY" "$SERVICE_SECRET_KEY"
