"""The version of the program."""

from __future__ import annotations

from importlib import metadata

try:
    VERSION = metadata.version("breakwater")
except metadata.PackageNotFoundError:
    # A checkout that was not installed.
    VERSION = "0+checkout"
