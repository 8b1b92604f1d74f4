#!/bin/sh
# Compile pyproject.toml into hash-locked requirement files without index or file addresses.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .tools/bin/uv)
# A find-links folder would write this machine's files into the lock.
unset UV_FIND_LINKS PIP_FIND_LINKS
common="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet"
"$uv" pip compile $common pyproject.toml -o requirements/base.txt
"$uv" pip compile $common --group dev -c requirements/base.txt pyproject.toml -o requirements/dev.txt
