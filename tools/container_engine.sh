#!/bin/sh
# Installs Debian's container engine if there is none and this user has the permission: `make test-sam`
# runs SAM's containers in it. The tests report what could not be installed.
set -eu

docker version >/dev/null 2>&1 && exit
if command -v docker >/dev/null && command -v dockerd >/dev/null && command -v ip >/dev/null; then
    exit
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    exit
fi
echo "Installing a container engine ..."
apt-get update -qq
packages="docker.io iproute2"
# In newer releases of Debian the command is a separate package.
if apt-cache show docker-cli >/dev/null 2>&1; then packages="$packages docker-cli"; fi
# shellcheck disable=SC2086 # several words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
