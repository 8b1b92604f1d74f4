"""Write the reference pages that come from the code: `make docs`; a test compares them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from api.reference import PAGES as API_PAGES  # noqa: E402 - the path is set above
from api.reference import page  # noqa: E402
from desk.commands import COMMANDS  # noqa: E402
from desk.identity import Role  # noqa: E402
from desk.settings_pages import as_env_example, as_markdown  # noqa: E402
from trading.events import EVENT_TYPES, MARKET_DATA, Event, kind_of  # noqa: E402
from trading.orders import TRANSITIONS  # noqa: E402

NOTICE = "<!-- Written by tools/generate_docs.py; change the code, then run `make docs`. -->\n"

_ROLE_TEXT = {
    Role.STRANGER: "somebody who is not linked; learns only how to ask for access",
    Role.VIEWER: "looks",
    Role.OPERATOR: "starts and pauses paper bots, acknowledges, backtests, and may always reduce risk",
    Role.TRADER: "moves orders and positions",
    Role.ADMIN: "changes configuration, limits and tokens",
    Role.OWNER: "grants roles and releases live mode",
}


def commands_page() -> str:
    """Every command with role, danger and consequences."""
    lines = [
        NOTICE,
        "# Commands\n",
        "What can be asked, by every door alike.\n",
        "| Command | Role | Confirm | May cause | What it does |",
        "|---|---|---|---|---|",
    ]
    for name, command in COMMANDS.items():
        policy = command.policy
        causes = ", ".join(f"`{kind_of(one)}`" for one in policy.causes) or "-"
        lines.append(
            f"| `{name}` | {policy.role.name.lower()} | {policy.danger.value} | {causes} | {policy.summary} |"
        )
    lines += ["\n## Roles, lowest first\n", "| Role | May |", "|---|---|"]
    lines += [f"| {role.name.lower()} | {_ROLE_TEXT[role]} |" for role in Role]
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """Every fact with its fields."""
    common = [one.name for one in fields(Event)]
    lines = [
        NOTICE,
        "# Events\n",
        "Facts, in the past tense; journalled with the state they change and streamed by `subscription { events }`.",
        f"Each also has {', '.join(f'`{one}`' for one in common)}. Market data is conflated and not journalled.\n",
        "| Event | Severity | Fields | Means |",
        "|---|---|---|---|",
    ]
    for kind in sorted(EVENT_TYPES):
        event = EVENT_TYPES[kind]
        own = ", ".join(f"`{one.name}`" for one in fields(event) if one.name not in common)
        text = (event.__doc__ or "").strip().splitlines()[0]
        severity = "market data" if event in MARKET_DATA else event.severity.value
        lines.append(f"| `{kind}` | {severity} | {own} | {text} |")
    lines += ["\n## States of an order\n", "| State | May become |", "|---|---|"]
    for state, after in TRANSITIONS.items():
        lines.append(f"| `{state}` | {', '.join(f'`{one}`' for one in sorted(after)) or '(final)'} |")
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/commands.md": commands_page,
    "docs/reference/events.md": events_page,
    "docs/settings.md": as_markdown,
    ".env.example": as_env_example,
    **{f"docs/api/{name}": partial(page, name) for name in API_PAGES},
}


def main() -> int:
    """Write all pages."""
    for path, write in PAGES.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(write(), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
