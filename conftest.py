"""Compiled code is cached between test runs, in a folder named after the sources it came from."""

from __future__ import annotations

from pathlib import Path

from server.warm import use_cache

use_cache(Path(__file__).parent / ".cache")

pytest_plugins = ["tests.support.hanging"]
