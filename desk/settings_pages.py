"""The pages that document the settings, written from the settings themselves."""

from __future__ import annotations

from dataclasses import Field
from pathlib import Path
from typing import Any

from desk.secrets import Secret
from desk.settings import default_of, single_settings, variable


def as_markdown() -> str:
    """Give the page of settings: docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable; an empty one counts as not set. A file `.env` in the current folder",
        "is read too, and the environment wins over it. A name with our prefix that is not known is refused. A secret",
        "may come from a file: `BREAKWATER_SMTP_PASSWORD_FILE` names it. Written by `make docs`.",
        "",
    ]
    for group in dict.fromkeys(one.metadata["group"] for one in single_settings()):
        lines += [f"## {group}", "", "| Variable | What | Default |", "|---|---|---|"]
        for one in single_settings():
            if one.metadata["group"] == group:
                unit = f" ({one.metadata['unit']})" if one.metadata["unit"] else ""
                lines.append(f"| `{variable(one)}` | {one.metadata['text']}{unit} | {_shown_default(one)} |")
        lines.append("")
    lines += [
        "## Venues",
        "",
        "Each as `BREAKWATER_<VENUE>_<NAME>`, for example `BREAKWATER_BINANCE_BASE_URL`.",
        "",
        "| Name | What |",
        "|---|---|",
        "| `BASE_URL`, `WS_URL`, `WS_API_URL` | Addresses in place of the venue's own. |",
        "| `API_KEY`, `API_SECRET`, `API_PASSPHRASE` | The key to the account; OKX keys have a passphrase. |",
        "| `SANDBOX` | `true` takes the venue's test environment. |",
    ]
    return "\n".join(lines) + "\n"


def as_env_example() -> str:
    """Give the file to copy from: .env.example."""
    lines = [
        "# Copy to .env and change what you need. Everything here shows the default; see docs/settings.md."
    ]
    group = ""
    for one in single_settings():
        if one.metadata["group"] != group:
            group = one.metadata["group"]
            lines += ["", f"# {group}"]
        unit = f" ({one.metadata['unit']})" if one.metadata["unit"] else ""
        example = f" For example {one.metadata['example']}." if one.metadata["example"] else ""
        lines += [f"# {one.metadata['text']}{unit}{example}", f"#{variable(one)}={_text_of(default_of(one))}"]
    return "\n".join(lines) + "\n"


def _shown_default(one: Field[Any]) -> str:
    text = _text_of(default_of(one))
    return f"`{text}`" if text else "the system's data folder" if one.name == "data_dir" else "empty"


def _text_of(value: Any) -> str:
    # What depends on the machine, and what is secret, has no default to show.
    if value is None or isinstance(value, Secret | Path):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
