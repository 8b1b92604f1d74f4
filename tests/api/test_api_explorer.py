"""The explorer page: everything from this machine, nothing else allowed."""

from __future__ import annotations

import re
from dataclasses import replace

from desk.settings import Settings
from desk.store import SqlStore
from server.explorer_pages import FOLDER, PARTS
from tests.api.conftest import Scene
from tests.support.api_house import StoreHouse, serving


async def test_the_page_loads_its_own_parts_only_and_a_policy_forbids_the_rest(scene: Scene) -> None:
    page = await scene.web.client.get(f"{scene.web.url}/explorer")
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {one for one in wanted if not one.startswith("data:")} < set(PARTS)
    assert "<script>" not in page.text
    policy = dict(one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


async def test_every_part_is_there_and_is_sent_once(scene: Scene) -> None:
    for address, name in PARTS.items():
        first = await scene.web.client.get(f"{scene.web.url}{address}")
        again = await scene.web.client.get(
            f"{scene.web.url}{address}", headers={"if-none-match": first.headers["etag"]}
        )

        assert first.content == (FOLDER / name).read_bytes()
        assert (again.status_code, again.content) == (304, b"")


def test_the_bundle_is_small_carries_its_licences_and_loads_no_style_from_elsewhere() -> None:
    assert sum((FOLDER / name).stat().st_size for name in PARTS.values()) < 2_000_000
    licences = (FOLDER / "LICENSES.txt").read_text(encoding="utf-8")
    assert all(f"{name} " in licences for name in ("graphiql", "react", "react-dom", "graphql", "codemirror"))
    assert "url(http" not in (FOLDER / "explorer.css").read_text(encoding="utf-8")


async def test_the_explorer_can_be_switched_off(sqlite_store: SqlStore) -> None:
    async with serving(StoreHouse(sqlite_store), replace(Settings(), explorer=False)) as web:
        answer = await web.client.get(f"{web.url}/explorer")

    assert answer.status_code == 404
