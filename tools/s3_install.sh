#!/bin/sh
# Install what `make prove-s3` needs into .venv-s3: the locked requirements, s3fs and moto's bucket server. They bring 36
# packages and an older python-dateutil, which is why no lock holds them.
set -eu
cd "$(dirname "$0")/.."
mark=.venv-s3/.installed
stamp=$(cat requirements/base.txt tools/s3_install.sh | cksum)
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$stamp" ]; then exit 0; fi
if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.tools/bin/uv; fi
[ -x .venv-s3/bin/python ] || "$uv" venv --quiet --python .venv/bin/python .venv-s3
echo "Installing requirements/base.txt, s3fs and moto into .venv-s3"
"$uv" pip install --quiet --python .venv-s3/bin/python --require-hashes -r requirements/base.txt
"$uv" pip install --quiet --python .venv-s3/bin/python "s3fs>=2025.9" "moto[server]>=5"
printf '%s' "$stamp" >"$mark"
