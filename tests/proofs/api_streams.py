"""Streams of the API resume without gap or duplicate, read by `gql` as a user's program does.

python tests/proofs/api_streams.py [--full]

The same for graphql-ws and Apollo, which need npm: `make prove-clients`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROOF = Path(__file__).resolve().parent / "clients" / "prove.py"

if __name__ == "__main__":
    sys.exit(
        subprocess.run([sys.executable, str(PROOF), "--only", "gql", *sys.argv[1:]], check=False).returncode
    )
