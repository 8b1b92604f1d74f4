#!/bin/sh
# Install what training needs into .venv-train: the locked requirements and requirements/train.txt, which no lock holds.
# UV_FIND_LINKS may name a folder with a CPU build of torch, so that no GPU packages are fetched.
set -eu
cd "$(dirname "$0")/.."
mark=.venv-train/.installed
stamp=$(cat requirements/base.txt requirements/train.txt | cksum)
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$stamp" ]; then exit 0; fi
if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.tools/bin/uv; fi
[ -x .venv-train/bin/python ] || "$uv" venv --quiet --python .venv/bin/python .venv-train
echo "Installing requirements/base.txt and requirements/train.txt into .venv-train"
"$uv" pip install --quiet --python .venv-train/bin/python --require-hashes -r requirements/base.txt
"$uv" pip install --quiet --python .venv-train/bin/python -r requirements/train.txt
printf '%s' "$stamp" >"$mark"
