"""`up`, `console`, `warm`: running the house and talking to it."""

from __future__ import annotations

import typer

from server.cli import output


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("warm")(warm)


def warm() -> None:
    """Compile the trading core now, so that nothing waits for it later."""
    from server.warm import is_warm, warm_in_subprocess

    if is_warm():
        output.note("The trading core is compiled already.")
        return
    output.note("Compiling the trading core; this happens once per version.")
    warm_in_subprocess()
