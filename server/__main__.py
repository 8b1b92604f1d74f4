"""`breakwater`: the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and give its exit code: 0 done, 1 the work failed, 2 the request was wrong."""
    from server.warm import use_cache

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    use_cache(data_dir(arguments))
    from server.cli import run

    return run(arguments)


def data_dir(arguments: Sequence[str] = ()) -> Path:
    """Give the data folder: `--data-dir`, else `BREAKWATER_DATA_DIR`, else the platform's folder for this user."""
    for i, one in enumerate(arguments):
        if one == "--data-dir" and i + 1 < len(arguments):
            return Path(arguments[i + 1]).expanduser()
        if one.startswith("--data-dir="):
            return Path(one.partition("=")[2]).expanduser()
    if named := os.environ.get("BREAKWATER_DATA_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("breakwater", appauthor=False)


if __name__ == "__main__":
    sys.exit(main())
