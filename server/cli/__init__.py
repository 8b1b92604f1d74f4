"""The command line, one file per group of commands. Heavy imports stay inside the commands."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from server.cli import output
from trading.errors import BreakwaterError, OperatorProblem, RequestProblem

#: typer carries its own copy of click; this is the root of the errors it raises about arguments.
_UsageProblem: Any = typer.BadParameter.__mro__[2]


def build() -> typer.Typer:
    """Put the program together."""
    from server.cli import (
        accounts,
        admin,
        analysis,
        chat,
        data,
        jobs,
        models,
        offline,
        people,
        report,
        research,
        search,
        sentiment,
        service,
        train,
        venues,
        walking,
    )

    app = typer.Typer(
        name="breakwater",
        help="A trading platform that you run yourself and steer by chat.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=True,
    )
    for room in (
        service,
        data,
        analysis,
        research,
        search,
        walking,
        sentiment,
        offline,
        chat,
        jobs,
        train,
        models,
        venues,
        admin,
        people,
        accounts,
        report,
    ):
        room.enter(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; every problem becomes one clear line on stderr and an exit code."""
    command = typer.main.get_command(build())
    try:
        result = command.main(args=list(arguments), prog_name="breakwater", standalone_mode=False)
    except typer.Exit as left:
        return int(left.exit_code)
    except typer.Abort:
        # Ctrl-C or the end of the input where a question was asked.
        output.problem("No answer came; nothing was changed. Run it again and answer.")
        return 130
    except KeyboardInterrupt:
        output.problem("Interrupted; nothing half-done was kept.")
        return 130
    except _UsageProblem as wrong:
        return _usage(wrong)
    except (RequestProblem, OperatorProblem) as refused:
        output.problem(str(refused))
        return 2
    except BreakwaterError as failed:
        output.problem(str(failed))
        return 1
    except BrokenPipeError:
        # Whoever read our output (head, less) has left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as unexpected:  # noqa: BLE001 - the last line of defence: a person sees one line, a developer asks for more
        output.problem(
            f"This should not have happened: {type(unexpected).__name__}: {unexpected}. "
            "Run again with TRACEBACK=1 for the details and report it."
        )
        if os.environ.get("TRACEBACK"):
            traceback.print_exc()
        return 1
    return result if isinstance(result, int) else 0


def _usage(wrong: Any) -> int:
    message = " ".join(str(wrong.format_message()).split())
    if type(wrong).__name__ == "NoArgsIsHelpError":
        print(wrong.format_message())  # noqa: T201 - the help page itself
        return 0
    where = wrong.ctx.command_path if getattr(wrong, "ctx", None) else "breakwater"
    output.problem(f"{message.rstrip('.')}. See '{where} --help'.")
    return 2
