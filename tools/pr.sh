#!/usr/bin/env bash
# The steps that CI runs on every change, in order; `make pr` creates the environments first.
set -euo pipefail

# The last line of each step is its own summary, not the directory that make leaves.
export MAKEFLAGS=--no-print-directory

# The system's Python, which on Debian 12 is an older version, and the newest versions.
python_of() {
    local found
    for found in "python$1" "$(pyenv prefix "$1" 2>/dev/null)/bin/python"; do
        if "$found" -c '' 2>/dev/null; then echo "$found"; return; fi
    done
}
others=()
for candidate in /usr/bin/python3 "$(python_of 3.13)" "$(python_of 3.14)"; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        others+=("$candidate")
    fi
done

make check
make test-judges
make test-clickhouse
make test-build

# Players, functions and containers mostly wait, so their tests run in parallel.
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT
make test-browser >"$logs/browser" 2>&1 &
browser=$!
nice make test-sam >"$logs/sam" 2>&1 &
sam=$!
make test-rie
make test-deploy
make test-fresh PYTEST_ARGS="-k 'bookworm and not tests_pass'"
for python in "${others[@]}"; do
    version=$("$python" -c 'import platform; print(platform.python_version())')
    echo "make test-smoke on Python $version"
    make test-smoke PYTHON="$python" VENV=".venv/smoke-$version" >"$logs/smoke" 2>&1 || { cat "$logs/smoke"; exit 1; }
    tail -n 1 "$logs/smoke"
done

wait "$sam" || { cat "$logs/sam"; exit 1; }
tail -n 1 "$logs/sam"
wait "$browser" || { cat "$logs/browser"; exit 1; }
tail -n 1 "$logs/browser"

make test
# Again with Redis in cluster mode, as in ElastiCache Serverless.
make test-redis-cluster
