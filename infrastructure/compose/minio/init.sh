#!/bin/sh
# Makes what template.yaml makes in AWS: a private bucket with a lifecycle, and two users that may
# only do their part. May run any number of times. Only the shell and mc: the image has no more.
set -eu

bucket=vod
here="$(dirname "$0")"

# Creates a user, or gives an old one its present secret, with one policy to its name.
user() {
    mc admin user add local "$2" "$3"
    mc admin policy create local "$1" "$here/$1.json"
    # Attaching what is attached is an error of some releases.
    case "$(mc --json admin user info local "$2")" in
        *"\"policyName\":\"$1\""*) ;;
        *) mc admin policy attach local "$1" --user "$2" ;;
    esac
}

mc alias set local "$MINIO_URL" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
mc mb --ignore-existing "local/$bucket"
# A bucket from an older set-up may be open to everybody.
mc anonymous set private "local/$bucket"
mc ilm rule import "local/$bucket" <"$here/lifecycle.json"
user signer "$SIGNER_ACCESS_KEY" "$SIGNER_SECRET_KEY"
user service "$SERVICE_ACCESS_KEY" "$SERVICE_SECRET_KEY"
