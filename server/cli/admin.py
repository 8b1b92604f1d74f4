"""`migrate`, `user`, `check`, `sdl`: looking after an installation."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput, NotFound, nearest

if TYPE_CHECKING:
    from desk.commands import Command
    from desk.identity import Role

user = typer.Typer(help="Members, roles and API tokens.", no_args_is_help=True)


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("migrate")(migrate)
    app.add_typer(user, name="user")
    app.command("check")(check)
    app.command("sdl")(sdl)


def migrate(
    check_only: Annotated[
        bool, typer.Option("--check", help="Only say whether the store is at the newest schema.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Bring the store to the newest schema."""
    from desk.assembly import bring_up_to_date, is_up_to_date
    from server.cli.house import settings

    found = settings(data_dir)
    if check_only:
        is_current = asyncio.run(is_up_to_date(found))
    else:
        asyncio.run(bring_up_to_date(found))
        is_current = True
    if as_json:
        output.emit_json({"current": is_current})
    else:
        output.console().print(
            "The store is at the newest schema."
            if is_current
            else "Migrations are pending: run 'breakwater migrate'."
        )
    return 0 if is_current else 1


@user.command("list")
def list_users(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List members with their roles."""
    from server.cli.house import opened_store

    async def load() -> list[dict[str, str]]:
        async with opened_store(data_dir) as store, store.reading() as tx:
            return [
                {
                    "workspace": workspace.name,
                    "name": one.name,
                    "email": one.email,
                    "role": one.role.name,
                    "id": one.user_id,
                }
                for workspace in await tx.workspaces.all()
                for one in await tx.members.all(workspace.id)
            ]

    found = asyncio.run(load())
    if as_json:
        output.emit_json({"members": found})
        return
    output.table(
        "Members",
        ("workspace", "name", "e-mail", "role"),
        [(one["workspace"], one["name"], one["email"], one["role"].lower()) for one in found],
    )


@user.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="How chat and audit name the person.")],
    email: Annotated[str, typer.Option(help="Where alerts and reports go.")] = "",
    role: Annotated[str, typer.Option(help="viewer, operator, trader, admin or owner.")] = "viewer",
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Add a person to the workspace."""
    from desk.commands import AddMember

    done(AddMember(name=name, email=email, role=_role(role)), as_user, data_dir)
    output.console().print(f"{name} is a member now, as {role.lower()}.")


@user.command("role")
def set_role(
    name: Annotated[str, typer.Argument(help="The person.")],
    role: Annotated[str, typer.Argument(help="viewer, operator, trader, admin or owner.")],
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Change what a member may do."""
    from desk.commands import SetMemberRole

    person = asyncio.run(_member_id(name, data_dir))
    done(SetMemberRole(user_id=person, role=_role(role)), as_user, data_dir)
    output.console().print(f"{name} is {role.lower()} now.")


@user.command("token")
def make_token(
    label: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[str, typer.Option(help="What the token may do, at most your own role.")] = "viewer",
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token; it is shown once."""
    from desk.commands import CreateApiToken

    issued = done(CreateApiToken(label=label, role=_role(role)), as_user, data_dir)
    secret = getattr(issued, "secret", "")
    if as_json:
        output.emit_json({"label": label, "role": role.upper(), "token": secret})
        return
    output.console().print(f"{secret}\nKeep it: it is not shown again.", soft_wrap=True)


def _role(text: str) -> Role:
    from desk.identity import Role

    words = [one.name.lower() for one in Role if one is not Role.STRANGER]
    if text.lower() not in words:
        raise InvalidInput(
            f"Role '{text}' was given; {', '.join(words)} are allowed.",
            hint=nearest(text.lower(), words) or None,
        )
    return Role[text.upper()]


def done(command: Command, as_user: str, data_dir: Path | None) -> object:
    """Do a command as a person; give what its handler gave."""
    from dataclasses import replace

    from chatops.console.door import console_actor
    from desk.assembly import open_house
    from server.cli.house import remembered, settings

    async def run() -> object:
        options = replace(remembered(settings(data_dir)), role="console", is_trading=False, is_pumping=False)
        async with open_house(options) as house:
            # A typed command line is explicit: no second question.
            actor = replace(await console_actor(house.store, as_user), channel="cli")
            outcome = await house.desk.do(command, actor)
            return outcome.view

    # What is logged on the way must not stand in the answer: scripts read stdout.
    with contextlib.redirect_stdout(sys.stderr):
        return asyncio.run(run())


async def _member_id(name: str, data_dir: Path | None) -> str:
    from server.cli.house import opened_store

    async with opened_store(data_dir) as store, store.reading() as tx:
        people = [
            one for workspace in await tx.workspaces.all() for one in await tx.members.all(workspace.id)
        ]
    for one in people:
        if name.casefold() in (one.name.casefold(), one.email.casefold(), one.user_id):
            return one.user_id
    names = [one.name for one in people]
    raise NotFound(
        f"No member is called '{name}'; {', '.join(names) or 'nobody'} is there.",
        hint=nearest(name, names) or None,
    )


def check(data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Check the installation, and say what to do. Looks at settings, store, compiled core, clock and strategies."""
    from server.cli.checks import run_checks

    found = run_checks(data_dir)
    healthy = all(one["ok"] for one in found)
    if as_json:
        output.emit_json({"ok": healthy, "checks": found})
        return 0 if healthy else 1
    rows = [("ok" if one["ok"] else "WRONG", str(one["name"]), str(one["detail"])) for one in found]
    output.table("Self-check", ("", "what", "found"), rows)
    return 0 if healthy else 1


def sdl() -> None:
    """Print the GraphQL schema in SDL."""
    from api.schema import sdl as schema_text

    sys.stdout.write(schema_text())
