"""`python -m server.probe URL`: exit 0 when a health address answers 200; for containers without curl."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    """Ask once, with a limit of 3 s."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - the address comes from our own compose file
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError, ValueError):
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
