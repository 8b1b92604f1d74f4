"""The product's web server over a store that was filled before, as `breakwater up` runs it.

python benchmarks/api_parts/real.py PORT DATABASE_URL
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import uvloop

from desk.settings import Settings
from desk.store import open_store
from server.app import create_app
from server.web import bound_socket, settle, web_server
from tests.support.api_house import StoreHouse


async def main(port: int, url: str) -> None:
    """Serve until it is killed."""
    house = StoreHouse(open_store(url))
    app = create_app(house, Settings())
    settle()
    await web_server(app).serve(sockets=[bound_socket("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
