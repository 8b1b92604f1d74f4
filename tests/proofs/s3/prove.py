"""Keep a model's files in a bucket: what the shelf promises of a folder holds of S3 too.

    make prove-s3

A bucket server (moto) runs in this process on loopback; s3fs talks to it over sockets. Needs an environment of its own
(`tools/s3_install.sh`): together they bring 36 packages that nothing else needs. Ends with an assertion where a promise
does not hold.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from desk.clock import SystemClock
from desk.models.shelf import Shelf, digest_of
from trading.errors import OperatorProblem

#: The whole of it takes seconds; nothing here may wait for ever.
LIMIT_S = 120.0

BUCKET = "breakwater-proof"
FILES = (b"weights" * 20_000, b"forecasts", b"{}")


def main() -> None:
    """Start the server, prove it, say what was seen."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "proof",
        "AWS_SECRET_ACCESS_KEY": "proof",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    try:
        found = asyncio.run(limited(prove()))
    finally:
        server.stop()
    found |= asyncio.run(limited(away()))
    print(json.dumps(found))


async def limited(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Give what some work found, within the limit."""
    async with asyncio.timeout(LIMIT_S):
        return await work


def bucket() -> Any:
    """Give the bucket as its owner sees it, past the shelf."""
    import boto3

    return boto3.resource("s3").Bucket(BUCKET)


async def prove() -> dict[str, Any]:
    """Put, get, find out changes, tidy."""
    await asyncio.to_thread(bucket().create)
    shelf = Shelf(f"s3://{BUCKET}/some/models")
    digests = [await shelf.put(one) for one in FILES]
    assert digests == [digest_of(one) for one in FILES]
    assert [await shelf.get(one) for one in digests] == list(FILES)
    assert await asyncio.gather(*(shelf.put(FILES[0]) for _ in range(4))) == [digests[0]] * 4
    keys = [one.key for one in bucket().objects.all()]
    assert sorted(keys) == sorted(f"some/models/{one[:2]}/{one}" for one in digests), keys

    changed = f"some/models/{digests[1][:2]}/{digests[1]}"
    bucket().put_object(Key=changed, Body=b"other forecasts")
    # A connection remembers what lay there; another process has none of its memory.
    await refused(Shelf(shelf.url).get(digests[1]), "is not what it was")
    await shelf.put(FILES[1])
    assert await shelf.get(digests[1]) == FILES[1]
    await refused(shelf.get("0" * 64), "is not at")

    bucket().put_object(Key="some/else.txt", Body=b"not ours")
    bucket().put_object(Key="some/models/readme.txt", Body=b"not ours")
    bucket().put_object(Key=f"some/models/{digests[0][:2]}/{digests[0]}.half", Body=b"weig")
    assert await shelf.owner("home") == "home"
    assert await Shelf(shelf.url).owner("another house") == "home"
    young = await shelf.tidy(digests[:1], SystemClock().now() - timedelta(days=1))
    removed = await shelf.tidy(digests[:1], SystemClock().now() + timedelta(days=1))
    assert young == (0, 0)
    assert removed == (3, len(FILES[1]) + len(FILES[2]) + 4), removed
    assert await shelf.get(digests[0]) == FILES[0]
    left = sorted(one.key for one in bucket().objects.all())
    assert "some/else.txt" in left
    assert "some/models/readme.txt" in left
    return {"files": len(FILES), "bytes": sum(map(len, FILES)), "removed": removed[0], "left": len(left)}


async def away() -> dict[str, Any]:
    """With the server gone every wish is a problem of the operator, with the place in it."""
    shelf = Shelf(f"s3://{BUCKET}/some/models")
    await refused(shelf.put(b"late"), f"s3://{BUCKET}/some/models")
    await refused(shelf.owner("home"), f"s3://{BUCKET}/some/models")
    return {"away": "told"}


async def refused(wish: Coroutine[Any, Any, Any], words: str) -> None:
    """Assert that a wish ends with an operator's problem that says some words."""
    said = ""
    try:
        await wish
    except OperatorProblem as problem:
        said = str(problem)
    assert words in said, said or f"nothing was refused; '{words}' was expected"


if __name__ == "__main__":
    main()
