"""Run the short profile of every heavy proof in tests/proofs, or the full one with `--full`.

A proof is a script with a docstring whose first line says what it proves. It exits 0 when the proof holds, and 75 when
every promise held but a speed was missed: machines are shared and noisy, so that is tried once more. Anything else
failed; a promise that broke once is broken. A proof that does not end within its limit failed too: it is asked where it
stands, then ended with everything that it had started.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: A proof's exit code when only a speed was missed (the "try again" of sysexits.h).
TOO_SLOW = 75
#: Longest life of a proof in seconds, short and full; many times what any needs, so that only one that hangs meets it.
LIMIT_S, FULL_LIMIT_S = 600.0, 7200.0

sys.path.insert(0, str(ROOT))

from server.warm import use_cache  # noqa: E402 - the path is set above
from tools.limits import run  # noqa: E402


def main() -> int:
    """Run the proofs one after the other and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run only these (file names without .py)")
    parser.add_argument("--full", action="store_true", help="run the long profile")
    parser.add_argument(
        "--with", dest="more", action="append", default=[], help="hand this to the proof, repeatable"
    )
    asked = parser.parse_args()
    proofs = sorted(ROOT.glob("tests/proofs/*.py"))
    unknown = set(asked.names) - {one.stem for one in proofs}
    if unknown:
        print(f"No proof named {', '.join(sorted(unknown))}; {', '.join(one.stem for one in proofs)} exist.")
        return 2
    # Compiled once, shared with the tests.
    cache = use_cache(ROOT / ".cache") or ROOT / ".cache"
    failed = []
    for proof in proofs:
        if asked.names and proof.stem not in asked.names:
            continue
        title = (ast.get_docstring(ast.parse(proof.read_text(encoding="utf-8"))) or proof.stem).splitlines()[
            0
        ]
        print(f"── {proof.stem}: {title}", flush=True)
        started = time.monotonic()
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": str(cache),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        }
        command = [sys.executable, str(proof), *(["--full"] if asked.full else []), *asked.more]
        limit_s = FULL_LIMIT_S if asked.full else LIMIT_S
        code = run(command, environment, limit_s, folder=ROOT)
        if code == TOO_SLOW:
            print(f"── {proof.stem}: too slow, once more", flush=True)
            code = run(command, environment, limit_s, folder=ROOT)
        verdict = "holds" if code == 0 else "TOO SLOW" if code == TOO_SLOW else "FAILED"
        print(f"── {proof.stem}: {verdict}, {time.monotonic() - started:.0f} s", flush=True)
        if code:
            failed.append(proof.stem)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
