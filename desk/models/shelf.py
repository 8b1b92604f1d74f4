"""Where files of models lie: a folder, or an S3-compatible store. A file's name is its hash, so none is ever rewritten."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from desk.clock import SystemClock
from desk.identity import new_id
from trading.errors import OperatorProblem

#: Largest file; what is larger was not made here.
MOST_BYTES = 64 * 1024 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}")

#: A file of ours, whole or half-written: two digits, its hash, and for a half the name of its writing.
_OURS = re.compile(r"(?:^|/)(?P<start>[0-9a-f]{2})/(?P<digest>[0-9a-f]{64})(?P<part>\.[0-9A-Za-z-]{1,64})?$")

#: Whose shelf it is, in a file beside the others.
_OWNER = "OWNER"

#: A file that is put again is written anew when it is this old: whoever tidies goes by its age.
_FRESH = timedelta(hours=1)


def digest_of(body: bytes) -> str:
    """Give the SHA-256 of a file."""
    return hashlib.sha256(body).hexdigest()


class Shelf:
    """Files by their hash.

    Args:
        url: as fsspec takes it: "file:///var/lib/breakwater/models", "s3://bucket/models".
    """

    def __init__(self, url: str) -> None:
        self.url = url

    async def put(self, body: bytes) -> str:
        """Keep a file and give its hash; one that is there already is left as it is, a broken one is replaced.

        Raises:
            OperatorProblem: the place cannot be written, or the file is too large.
        """
        return await asyncio.to_thread(self._put, body)

    async def get(self, digest: str) -> bytes:
        """Give a file.

        Raises:
            OperatorProblem: it is not there, cannot be read, or is not what its hash says.
        """
        return await asyncio.to_thread(self._get, digest)

    async def owner(self, name: str) -> str:
        """Give whose shelf it is; one that nobody claimed is claimed under this name.

        Raises:
            OperatorProblem: the place cannot be read or written.
        """
        return await asyncio.to_thread(self._owner, name)

    async def tidy(self, named: Collection[str], before: datetime) -> tuple[int, int]:
        """Remove files that nobody names and that were last written before a time; give how many, and their bytes.

        What does not look like a file of ours is left alone.

        Args:
            named: hashes that are needed.

        Raises:
            OperatorProblem: the place cannot be read or written.
        """
        return await asyncio.to_thread(self._tidy, named, before)

    def _owner(self, name: str) -> str:
        try:
            files, root = self._root()
            path = f"{root}/{_OWNER}"
            if not files.exists(path):
                files.makedirs(root, exist_ok=True)
                files.pipe_file(path, name.encode())
            return str(files.cat_file(path)[:200].decode("utf-8", "replace")).strip()
        except OperatorProblem:
            raise
        except Exception as problem:
            raise self._away("read", problem) from problem

    def _tidy(self, named: Collection[str], before: datetime) -> tuple[int, int]:
        count = size = 0
        try:
            files, root = self._root()
            for path, known in sorted(files.find(root, detail=True).items()):
                ours = _OURS.search(path)
                if ours is None or ours["start"] != ours["digest"][:2]:
                    continue
                if ours["digest"] in named and not ours["part"]:
                    continue
                # Asked now, not when it was listed: somebody may be putting the same file again.
                if files.modified(path) < before:
                    files.rm_file(path)
                    count, size = count + 1, size + int(known.get("size") or 0)
        except OperatorProblem:
            raise
        except Exception as problem:
            raise self._away("tidied", problem) from problem
        return count, size

    def _put(self, body: bytes) -> str:
        if len(body) > MOST_BYTES:
            raise OperatorProblem(f"A file of {len(body)} bytes was given; {MOST_BYTES} are allowed.")
        digest = digest_of(body)
        try:
            files, path = self._at(digest)
            if files.exists(path) and digest_of(self._read(files, path)) == digest and _is_fresh(files, path):
                return digest
            files.makedirs(path.rpartition("/")[0], exist_ok=True)
            # Written beside and moved: whoever reads meanwhile, or after a crash, finds the whole file or none.
            part = f"{path}.{new_id()}"
            files.pipe_file(part, body)
            files.mv(part, path)
        except OperatorProblem:
            raise
        except Exception as problem:
            raise self._away("written", problem) from problem
        return digest

    def _get(self, digest: str) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise OperatorProblem(f"'{digest[:80]}' is no SHA-256; 64 digits from 0 to f are expected.")
        try:
            files, path = self._at(digest)
            body = self._read(files, path)
        except FileNotFoundError as problem:
            raise OperatorProblem(
                f"File {digest[:12]}… of a model is not at {self.url}.",
                hint="Put the folder back, or promote a version whose files are there.",
            ) from problem
        except OperatorProblem:
            raise
        except Exception as problem:
            raise self._away("read", problem) from problem
        if digest_of(body) != digest:
            raise OperatorProblem(
                f"File {digest[:12]}… of a model at {self.url} is not what it was: its hash is {digest_of(body)[:12]}….",
                hint="Train the model anew, or put the file back from a backup.",
            )
        return body

    def _read(self, files: Any, path: str) -> bytes:
        size = files.size(path)
        if size is None or size > MOST_BYTES:
            raise OperatorProblem(f"A file at {self.url} has {size} bytes; up to {MOST_BYTES} are allowed.")
        body: bytes = files.cat_file(path)
        return body

    def _at(self, digest: str) -> tuple[Any, str]:
        """Give the file system and the place of a hash."""
        files, root = self._root()
        return files, f"{root}/{digest[:2]}/{digest}"

    def _root(self) -> tuple[Any, str]:
        """Give the file system and the place of all files."""
        from fsspec.core import url_to_fs

        try:
            files, root = url_to_fs(self.url)
        except ImportError as problem:
            raise OperatorProblem(
                f"Storage '{self.url}' needs a package that is not installed: {problem}.",
                hint="Install breakwater[s3], or name a folder.",
            ) from problem
        return files, str(root).rstrip("/")

    def _away(self, what: str, problem: Exception) -> OperatorProblem:
        # Each file system raises exceptions of its own library.
        return OperatorProblem(
            f"Storage '{self.url}' cannot be {what}: {type(problem).__name__}: {problem}"[:500],
            hint="Look at BREAKWATER_STORAGE_URL, the disk and the rights there.",
        )


def _is_fresh(files: Any, path: str) -> bool:
    written: datetime = files.modified(path)
    return SystemClock().now() - written < _FRESH
