"""`migrate`, `user`, `check`, `sdl`: looking after an installation."""

from __future__ import annotations

import sys

import typer

user = typer.Typer(help="Members, roles and API tokens.", no_args_is_help=True)


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(user, name="user")
    app.command("sdl")(sdl)


def sdl() -> None:
    """Print the GraphQL schema in SDL."""
    from api.schema import sdl as schema_text

    sys.stdout.write(schema_text())
