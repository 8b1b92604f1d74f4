"""`user password | totp | invite | link | remove | sign-out`, `keys rotate`, `audit verify`: ways in, from the machine itself.

Whoever sits at the machine can change the database anyway, so these ask no second person; the audit says `cli`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli import output
from server.cli.admin import done, user
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput

keys = typer.Typer(help="Keys that seal personal data and sign access tokens.", no_args_is_help=True)
audit = typer.Typer(help="The append-only audit.", no_args_is_help=True)

Person = Annotated[str, typer.Argument(help="The person: name, e-mail address or id.")]
SealsFile = Annotated[
    Path | None,
    typer.Option(
        "--seals", help="A copy of audit-seals.jsonl kept elsewhere; by default the one beside the keys."
    ),
]
AsUser = Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")]


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(keys, name="keys")
    app.add_typer(audit, name="audit")


@user.command("password")
def set_password(name: Person, data_dir: DataDir = None) -> None:
    """Set a person's password; it is asked for, or read from stdin."""
    from desk.commands import SetPassword
    from desk.secrets import Secret

    done(SetPassword(password=Secret(_typed_password())), name, data_dir)
    output.console().print(f"{name} signs in with this password from now on.")


@user.command("totp")
def enrol(name: Person, data_dir: DataDir = None) -> None:
    """Give a person a second factor. Shows its secret, then asks for a first code."""
    from desk.commands import BeginTotp, ConfirmTotp
    from desk.secrets import Secret

    draft: Any = done(BeginTotp(), name, data_dir)
    output.console().print(f"{draft.uri}\nSecret: {draft.secret}", soft_wrap=True)
    code = typer.prompt("Code shown by the app", hide_input=False)
    done(ConfirmTotp(proof=Secret(code)), name, data_dir)
    output.console().print(f"{name} needs the second factor from now on.")


@user.command("invite")
def invite(name: Person, as_user: AsUser = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make a one-time code with which a person chooses a password."""
    from desk.commands import InviteMember

    issued: Any = done(InviteMember(user_id=name), as_user, data_dir)
    _show(issued.code, issued.expires_at, "acceptInvitation", as_json)


@user.command("link")
def link(name: Person, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make a one-time code that links a chat account. The person sends /link CODE to the bot in private."""
    from desk.commands import CreateChatLinkCode

    issued: Any = done(CreateChatLinkCode(), name, data_dir)
    _show(issued.code, issued.expires_at, "/link", as_json)


@user.command("remove")
def remove(name: Person, as_user: AsUser = "", data_dir: DataDir = None) -> None:
    """Take a person out. Sign-ins, tokens and chat links end at once."""
    from desk.commands import RemoveMember

    done(RemoveMember(user_id=name), as_user, data_dir)
    output.console().print(f"{name} is out.")


@user.command("sign-out")
def sign_out(name: Person, data_dir: DataDir = None) -> None:
    """End every sign-in of a person."""
    from desk.commands import SignOutEverywhere

    ended = done(SignOutEverywhere(), name, data_dir)
    output.console().print(f"{ended} sign-ins ended.")


@keys.command("rotate")
def rotate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Seal and sign with new keys. What the old ones made stays readable."""
    from desk.assembly import rotate_keys
    from server.cli.house import settings

    changed = asyncio.run(rotate_keys(settings(data_dir)))
    if as_json:
        output.emit_json({"resealed": changed})
        return
    output.console().print(f"New keys are in use; the keys of {changed} people and hooks were sealed anew.")


@audit.command("verify")
def verify(data_dir: DataDir = None, seals: SealsFile = None, as_json: AsJson = False) -> int:
    """Check that the audit was not changed. No line was changed, removed or reordered, and the signed heads hold."""
    from desk.audit_seals import AuditSeals, Verdict
    from desk.audit_seals import verify as verified
    from desk.keyring import FILE_NAME
    from server.cli.house import opened_store, settings

    found_settings = settings(data_dir)
    keys = found_settings.key_path or found_settings.data_dir / FILE_NAME
    if seals is not None and not seals.exists():
        raise InvalidInput(f"File '{seals}' is not there; a copy of audit-seals.jsonl is needed.")

    async def look() -> dict[str, Verdict]:
        async with opened_store(data_dir) as store, store.reading() as tx:
            known = AuditSeals(keys.parent).read(seals)
            return {one.name: await verified(tx, one.id, known) for one in await tx.workspaces.all()}

    found = asyncio.run(look())
    is_whole = all(one.is_whole for one in found.values())
    if as_json:
        output.emit_json(
            {
                "ok": is_whole,
                "first_bad": {name: one.first_bad for name, one in found.items()},
                "lines": {name: one.lines for name, one in found.items()},
                "seals": {name: one.seals for name, one in found.items()},
                "broken_seals": {name: list(one.broken_seals) for name, one in found.items()},
            }
        )
        return 0 if is_whole else 1
    rows = [
        (
            "ok" if one.is_whole else "BROKEN",
            name,
            str(one.lines),
            "" if one.first_bad is None else f"line {one.first_bad}",
            str(one.seals),
            ", ".join(f"line {line}" for line in one.broken_seals),
        )
        for name, one in found.items()
    ]
    output.table("Audit", ("", "workspace", "lines", "first bad line", "seals", "broken seals"), rows)
    return 0 if is_whole else 1


def _typed_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InvalidInput("No password came on stdin; one line is allowed.")
    return line


def _show(code: str, until: Any, used_by: str, as_json: bool) -> None:
    if as_json:
        output.emit_json({"code": code, "expires_at": until.isoformat()})
        return
    output.console().print(
        f"{code}\nFor {used_by}, until {until:%Y-%m-%d %H:%M} UTC, once.", soft_wrap=True, markup=False
    )
