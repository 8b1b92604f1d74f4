"""Forty planted secrets driven through success, error and debug paths; none may come out anywhere it does not belong."""

from __future__ import annotations

import io
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
import structlog

import desk.store.models as models
from api.ids import global_id
from desk.identity import Role
from desk.logs import Redactor, set_up_logs
from desk.passwords import totp_code
from desk.secrets import Secret
from desk.settings import Settings, load_settings
from desk.store import SqlStore
from server.up import secrets_of
from tests.support.api_house import People, Running, StoreHouse, furnish, people, serving


@dataclass(slots=True)
class Planted:
    """Secrets by what they are."""

    values: dict[str, str] = field(default_factory=dict)

    def plant(self, what: str, value: str = "") -> str:
        """Remember a secret; a fresh one unless it is given."""
        self.values[what] = value or secrets.token_urlsafe(24)
        return self.values[what]

    def found_in(self, text: str) -> list[str]:
        """Give which secrets a text shows."""
        return [what for what, value in self.values.items() if value in text]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at the chattiest level; the set-up of before comes back."""
    root = logging.getLogger()
    before, level, config = root.handlers[:], root.level, structlog.get_config()
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**config)


def settings_with_secrets(planted: Planted) -> Settings:
    """Give settings in which every secret is planted."""
    env = {
        "BREAKWATER_DATABASE_URL": f"postgres://breakwater:{planted.plant('database password')}@localhost/x",
        "BREAKWATER_SMTP_PASSWORD": planted.plant("smtp password"),
        "BREAKWATER_BROKER_URL": f"redis://:{planted.plant('broker password')}@localhost:6379/0",
    }
    for venue in ("BINANCE", "KRAKEN", "OKX", "COINBASE"):
        for name in ("API_KEY", "API_SECRET"):
            env[f"BREAKWATER_{venue}_{name}"] = planted.plant(f"{venue.lower()} {name.lower()}")
    known = {name for name in Settings.__slots__ if name.endswith("_token")}
    for name in sorted(known):
        env[f"BREAKWATER_{name.upper()}"] = planted.plant(name, f"123456789:{secrets.token_urlsafe(27)}")
    return load_settings(env)


@dataclass(slots=True)
class Run:
    """One run of everything, and all that came out of it."""

    web: Running
    house: StoreHouse
    crowd: People
    planted: Planted
    answers: list[str] = field(default_factory=list)

    async def ask(self, text: str, token: str = "", **variables: Any) -> dict[str, Any]:
        """Ask; what is answered is remembered."""
        answer = await self.web.ask(text, variables, token)
        self.answers.append(answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def good(self, text: str, token: str = "", **variables: Any) -> dict[str, Any]:
        """Ask for what gives a secret on purpose; that answer is not searched."""
        answer = await self.web.ask(text, variables, token)
        found: dict[str, Any] = answer.json()
        assert "errors" not in found, found
        payload: dict[str, Any] = next(iter(found["data"].values()))
        assert not payload.get("userErrors"), payload
        return payload


def mutation(name: str, fields: str, gives: str = "userErrors { code message }") -> str:
    return f"mutation {{ {name}(input: {{ {fields} }}) {{ {gives} }} }}"


def key() -> str:
    return f'idempotencyKey: "{uuid4()}"'


async def good_paths(run: Run) -> None:
    """Do everything that has a secret, and succeed."""
    plant, owner = run.planted.plant, run.crowd.tokens[Role.OWNER]
    person = run.crowd.members[Role.OWNER]
    plant("e-mail", person.email)
    for role, token in run.crowd.tokens.items():
        plant(f"api token of {role.name}", token)
    password = plant("password")
    await run.good(mutation("setPassword", f'password: "{password}"', "isSet userErrors { code }"), owner)
    await run.good(mutation("stepUp", f'proof: "{password}"', "stepUpUntil userErrors { code }"), owner)
    signed = await run.good(
        mutation("signIn", f'login: "{person.email}", password: "{password}"', "accessToken refreshToken"), ""
    )
    access = plant("access token", signed["accessToken"])
    plant("refresh token", signed["refreshToken"])
    again = await run.good(
        mutation("refreshSession", f'refreshToken: "{signed["refreshToken"]}"', "accessToken refreshToken")
    )
    plant("second access token", again["accessToken"])
    plant("second refresh token", again["refreshToken"])
    made = await run.good(mutation("createApiToken", f'{key()}, label: "script"', "secret"), access)
    plant("new api token", made["secret"])
    code = await run.good(mutation("createChatLinkCode", key(), "code"), owner)
    plant("link code", code["code"])
    member = global_id("Member", run.crowd.members[Role.VIEWER].user_id)
    invited = await run.good(mutation("inviteMember", f'{key()}, memberId: "{member}"', "code"), owner)
    plant("invitation", invited["code"])
    chosen = plant("chosen password")
    await run.good(
        mutation(
            "acceptInvitation",
            f'code: "{invited["code"]}", password: "{chosen}"',
            "isSet userErrors { code }",
        )
    )
    async with run.house.store.reading() as unit:
        bot = (await unit.bots.all(run.crowd.workspace.id))[0]
    for kind in ("PATH", "HMAC"):
        given = f'{key()}, label: "{kind}", kind: {kind}, botId: "{global_id("Bot", bot.id)}"'
        hook = await run.good(mutation("createWebhook", given, "path secret"), owner)
        plant(f"hook path {kind}", hook["path"].removeprefix("/hooks/"))
        if hook["secret"]:
            plant("hook secret", hook["secret"])
        body = {
            "alertId": kind,
            "time": run.house.clock.now().isoformat(),
            "pair": bot.pairs[0],
            "action": "buy",
        }
        answer = await run.web.client.post(run.web.url + hook["path"], json=body)
        run.answers.append(answer.text)
    draft = await run.good(mutation("beginTotp", key(), "secret uri"), owner)
    plant("second factor", draft["secret"])
    import base64

    raw = base64.b32decode(draft["secret"])
    proof = totp_code(raw, run.house.clock.now())
    await run.ask(mutation("confirmTotp", f'proof: "{proof}"'), owner)
    mail = plant("e-mail of a new member", f"{secrets.token_hex(8)}@planted.example")
    await run.ask(mutation("addMember", f'{key()}, name: "nina", email: "{mail}"'), owner)


async def bad_paths(run: Run) -> None:
    """Do everything that has a secret, and fail: wrong, malformed, twice, as the wrong person, in broken documents."""
    plant, tokens = run.planted.plant, run.crowd.tokens
    wrong = plant("wrong password")
    address = plant("address of nobody", f"{secrets.token_hex(8)}@planted.example")
    await run.ask(mutation("signIn", f'login: "{address}", password: "{wrong}"'))
    await run.ask(mutation("stepUp", f'proof: "{plant("wrong proof")}"'), tokens[Role.ADMIN])
    await run.ask(mutation("setPassword", f'password: "{plant("short", "pw-Q7x")}"'), tokens[Role.ADMIN])
    await run.ask(mutation("refreshSession", f'refreshToken: "{run.planted.values["refresh token"]}"'))
    await run.ask(mutation("refreshSession", f'refreshToken: "bwr_{plant("unknown refresh token")}"'))
    await run.ask(mutation("acceptInvitation", f'code: "{plant("unknown code")}", password: "{wrong}"'))
    await run.ask(mutation("confirmTotp", f'proof: "{plant("wrong code")}"'), tokens[Role.TRADER])
    bad_mail = plant("malformed address", f"{secrets.token_hex(8)} @ planted")
    await run.ask(mutation("addMember", f'{key()}, name: "x", email: "{bad_mail}"'), tokens[Role.OWNER])
    taken = run.planted.values["e-mail"]
    await run.ask(mutation("addMember", f'{key()}, name: "y", email: "{taken}"'), tokens[Role.OWNER])
    await run.ask(mutation("addMember", f'{key()}, name: "z", email: "{taken}"'), tokens[Role.VIEWER])
    await run.ask("{ viewer { role } }", f"bwk_{plant('unknown api token')}")
    await run.ask("{ viewer { role } }", f"eyJ{plant('forged token')}.x.y")
    await run.ask('{ nonsense(password: "%s") }' % plant("password in a broken document"), tokens[Role.OWNER])  # noqa: UP031
    await run.ask(
        "mutation ($i: SignInInput!) { signIn(input: $i) { accessToken } }",
        i={"login": "x", "password": {"is": plant("password in a wrong variable")}},
    )
    guess = plant("guessed hook path")
    answer = await run.web.client.post(f"{run.web.url}/hooks/{guess}", json={})
    run.answers.append(answer.text)
    real = run.planted.values["hook path PATH"]
    answer = await run.web.client.post(
        f"{run.web.url}/hooks/{real}", json={"password": plant("password in a hook's body")}
    )
    run.answers.append(answer.text)


def debug_paths(run: Run, settings: Settings) -> None:
    """Say secrets as a careless line of code would, and fail with them in hand."""
    log = structlog.get_logger("tests.planted")
    log.debug("settings_read", detail=settings, reason=repr(settings))
    mail, phone = run.planted.values["e-mail"], run.planted.plant("phone", "+43 660 1234567")
    log.info("told", detail=f"mail to {mail}, call {phone}", recipient=mail)
    held = {name: Secret(value) for name, value in run.planted.values.items()}
    log.warning("held", detail=held, error=str(list(held.values())))
    logging.getLogger("somebody.else").debug("Authorization: Bearer %s", run.planted.values["access token"])
    logging.getLogger("somebody.else").debug("token=%s", run.planted.values["new api token"])
    try:
        int(f"connecting to {settings.database_url.reveal()} failed")
    except ValueError:
        log.exception("connection_failed")
    try:
        run.answers.index(run.planted.values["second access token"])
    except ValueError:
        logging.getLogger("somebody.else").exception("lost")
    held_up: dict[str, str] = {}
    try:
        held_up[run.planted.values["link code"]]
    except KeyError:
        log.exception("not_there")
    try:
        held_up[run.planted.values["hook path PATH"]]
    except KeyError:
        log.exception("not_there")


async def dump(store: SqlStore) -> str:
    """Give every value of every table as text."""
    parts = []
    async with store.reading() as tx:
        for one in models.__all__:
            rows = await tx.connection.rows(f"SELECT * FROM {getattr(models, one)._meta.db_table}")
            parts += [str(tuple(row)) for row in rows]
    return "\n".join(parts)


async def test_of_forty_planted_secrets_none_is_found_in_logs_metrics_errors_audit_or_dump(
    sqlite_store: SqlStore, log: io.StringIO
) -> None:
    planted = Planted()
    settings = settings_with_secrets(planted)
    redactor = set_up_logs(level="debug", form="json", secrets=secrets_of(settings), stream=log)
    house = StoreHouse(sqlite_store)
    crowd = await people(house)
    await furnish(house, crowd)
    async with serving(house, replace(settings, data_dir=settings.data_dir)) as web:
        run = Run(web, house, crowd, planted)
        await good_paths(run)
        await bad_paths(run)
        debug_paths(run, settings)
        metrics = (await web.client.get(f"{web.url}/metrics")).text
        audit = await run.web.ask(
            "{ auditLog(first: 100) { edges { node { detail actor } } } }", token=crowd.tokens[Role.OWNER]
        )
        health = await web.client.get(f"{web.url}/health")
    files = await dump(sqlite_store)

    assert len(planted.values) >= 40, sorted(planted.values)
    assert isinstance(redactor, Redactor)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {"settings_read", "connection_failed", "command_done"} <= {one["event"] for one in lines}
    assert "SetPassword" in audit.text
    places = {
        "log": log.getvalue(),
        "metrics": metrics,
        "answers": "\n".join(run.answers),
        "audit": audit.text,
        "health": health.text,
        "dump": files,
    }
    assert {place: planted.found_in(text) for place, text in places.items()} == {
        place: [] for place in places
    }


def test_the_search_would_find_what_is_there() -> None:
    planted = Planted()
    value = planted.plant("x")

    assert planted.found_in(f"a {value} b") == ["x"]
