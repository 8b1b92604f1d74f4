"""`account add | list`: accounts at exchanges, from the machine itself. Keys are asked for or read from stdin, never typed in a line."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.admin import done
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from desk.exchange_ports import ExchangeSecret

account = typer.Typer(help="Accounts: paper, test money and real money.", no_args_is_help=True)

#: What an account's money is called here.
_MONEY = {"paper": "paper", "test": "test money", "live": "LIVE: real money"}


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(account, name="account")


@account.command("add")
def add(
    name: Annotated[str, typer.Argument(help="How cards call the account.")],
    venue: Annotated[str, typer.Option(help="binance, kraken, okx, coinbase, cryptocom or mt5.")],
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="It is one of the exchange's test environment: test money.")
    ] = False,
    currency: Annotated[str, typer.Option(help="What its capital is counted in.")] = "USDT",
    cannot_withdraw: Annotated[
        bool,
        typer.Option(
            "--cannot-withdraw",
            help="Your word that the key cannot withdraw, where the exchange does not say it.",
        ),
    ] = False,
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add an account at an exchange. Its key is asked for, or read from stdin: key, secret and passphrase on a line each."""
    from desk.commands import AddExchangeAccount
    from desk.money import kind_of

    secret = _typed_key()
    added: Any = done(
        AddExchangeAccount(
            name=name,
            venue=venue.lower(),
            api_key=secret.api_key,
            api_secret=secret.api_secret,
            passphrase=secret.passphrase,
            currency=currency,
            sandbox=sandbox,
            cannot_withdraw=cannot_withdraw,
        ),
        as_user,
        data_dir,
    )
    made, money = added.account, kind_of(added.account, added.key).value
    if as_json:
        output.emit_json(
            {"account": made.name, "venue": made.venue, "money": money, "capital": str(made.capital),
             "currency": made.currency, "withdrawal": added.key.withdrawal}
        )  # fmt: skip
        return
    further = (
        f'Bots may be set up there at once: /newbot … account="{made.name}" in a chat.'
        if sandbox
        else "A bot comes there by passing its gates on paper: /golive <bot> in a chat shows them."
    )
    output.console().print(
        f"{made.name} is added at {made.venue}: {_MONEY[money]}, {made.capital:f} {made.currency}.\n{further}",
        markup=False,
    )


@account.command("list")
def list_accounts(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the accounts with whose money they hold."""
    from desk.money import kinds_of
    from server.cli.house import opened_store

    async def load() -> list[dict[str, str]]:
        async with opened_store(data_dir) as store, store.reading() as tx:
            found = []
            for workspace in await tx.workspaces.all():
                accounts = await tx.accounts.all(workspace.id)
                kinds = await kinds_of(tx, workspace.id, accounts)
                found += [
                    {
                        "workspace": workspace.name,
                        "account": one.name,
                        "venue": one.venue,
                        "money": kinds[one.id].value,
                        "capital": f"{one.capital:f}",
                        "currency": one.currency,
                        "state": one.trading_state.value,
                    }
                    for one in accounts
                ]
            return found

    found = asyncio.run(load())
    if as_json:
        output.emit_json({"accounts": found})
        return
    output.table(
        "Accounts",
        ("workspace", "account", "venue", "money", "capital", "state"),
        [
            (one["workspace"], one["account"], one["venue"], _MONEY[one["money"]],
             f"{one['capital']} {one['currency']}", one["state"].lower())
            for one in found
        ],
    )  # fmt: skip


def _parts(text: str) -> list[str]:
    """Give the lines; those of a PEM text are one part."""
    found: list[str] = []
    is_inside = False
    for line in (one.strip() for one in text.splitlines()):
        if is_inside:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
        is_inside = (is_inside or line.startswith("-----BEGIN")) and not line.startswith("-----END")
    return found


def _typed_key() -> ExchangeSecret:
    """Give a key from the terminal, unseen, or from stdin: what stands in a command line stays in histories and lists."""
    from desk.exchange_ports import ExchangeSecret
    from desk.secrets import Secret

    if sys.stdin.isatty():
        parts = [
            str(typer.prompt("API key", hide_input=True)),
            str(typer.prompt("API secret", hide_input=True)),
            str(typer.prompt("Passphrase (empty where there is none)", hide_input=True, default="", show_default=False)),
        ]  # fmt: skip
    else:
        parts = _parts(sys.stdin.read(64_000))
    if len(parts) < 2 or not (parts[0] and parts[1]):
        raise InvalidInput(
            f"{len([one for one in parts if one])} lines came on stdin; the key, its secret and, where there is one, "
            "the passphrase are allowed, a line each."
        )
    return ExchangeSecret(
        api_key=Secret(parts[0]),
        # One that is copied out of JSON has its line ends written out.
        api_secret=Secret(parts[1].replace("\\n", "\n")),
        passphrase=Secret(parts[2] if len(parts) > 2 else ""),
    )
