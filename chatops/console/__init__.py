"""The console door."""

from chatops.console.door import (
    Said,
    Screen,
    console_actor,
    exit_code,
    member_named,
    room_of,
    run_interactive,
    run_once,
)

__all__ = [
    "Said",
    "Screen",
    "console_actor",
    "exit_code",
    "member_named",
    "room_of",
    "run_interactive",
    "run_once",
]
