#!/bin/sh
# Install what is needed into .venv: `tools/install.sh base` to run, `tools/install.sh dev` to test as well.
# Needs Python 3.11-3.13 with venv; uv is used where it exists and is otherwise put into .tools.
set -eu
cd "$(dirname "$0")/.."
kind=$1
python=${PYTHON:-python3}
mark=.venv/.installed-$kind

stamp=$(cat pyproject.toml "requirements/$kind.txt" | cksum)
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$stamp" ]; then exit 0; fi

"$python" - <<'PY' || exit 2
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"Python {sys.version.split()[0]} was found; 3.11, 3.12 or 3.13 is needed. Set PYTHON to one of them.")
PY

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    uv=.tools/bin/uv
    if [ ! -x "$uv" ]; then
        echo "Installing uv into .tools"
        "$python" -m venv .tools
        .tools/bin/python -m pip install --quiet --disable-pip-version-check uv
    fi
fi

[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
echo "Installing requirements/$kind.txt into .venv"
"$uv" pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r "requirements/$kind.txt"
"$uv" pip install --quiet --python .venv/bin/python --no-deps -e .
# Also where the environment tells Python to write none by itself: a start then does not translate every source again.
.venv/bin/python -m compileall -q trading strategies desk chatops workers server graphql/api
printf '%s' "$stamp" >"$mark"
