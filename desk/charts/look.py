"""How pictures look: colours, sizes, axes, and labels that keep clear of each other."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from desk.charts.specs import Theme
from desk.charts.words import month, numeral, word

#: Inches and dots per inch: 1280 × 800 pixels, readable on a phone held upright.
WIDTH, HEIGHT, DPI = 12.8, 8.0, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of a theme; up and down differ in brightness too, for eyes that do not tell red from green."""

    paper: str
    pane: str
    ink: str
    faint: str
    grid: str
    up: str
    down: str
    entry: str
    stop: str
    target: str
    wave: str
    alternate: str
    level: str
    accent: str
    lines: tuple[str, ...]


_DARK = Palette(
    paper="#10151f",
    pane="#141b28",
    ink="#e6eaf2",
    faint="#8a94a8",
    grid="#243044",
    up="#2fbf9f",
    down="#e0525e",
    entry="#5aa9ff",
    stop="#ff6b6b",
    target="#7ddb7d",
    wave="#ffc857",
    alternate="#a48be0",
    level="#7f8da6",
    accent="#5aa9ff",
    lines=("#5aa9ff", "#ffc857", "#a48be0", "#7ddb7d"),
)
_LIGHT = Palette(
    paper="#ffffff",
    pane="#fbfcfe",
    ink="#1b2433",
    faint="#66718a",
    grid="#e3e8f0",
    up="#12876f",
    down="#c2303d",
    entry="#1769c4",
    stop="#c2303d",
    target="#2a8a2a",
    wave="#b36b00",
    alternate="#6a4bb8",
    level="#66718a",
    accent="#1769c4",
    lines=("#1769c4", "#b36b00", "#6a4bb8", "#2a8a2a"),
)


def palette(theme: Theme) -> Palette:
    """Give the colours of a theme."""
    return _LIGHT if theme is Theme.LIGHT else _DARK


def clean(text: str) -> str:
    """Give a text that the drawing library takes literally: no mathematics, no control characters."""
    shown = "".join(one if one.isprintable() else " " for one in text[:120])
    return shown.replace("$", r"\$")


def new_figure(colours: Palette, *, height: float = HEIGHT) -> Figure:
    """Give an empty picture. Not through pyplot, which keeps every figure alive."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=colours.paper)
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, colours: Palette) -> None:
    """Give an axis pane its quiet look, with values on the right."""
    axes.set_facecolor(colours.pane)
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.tick_params(colors=colours.faint, labelsize=9, length=0)
    axes.grid(visible=True, color=colours.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(colours.grid)


def head(figure: Figure, title: str, subtitle: str, colours: Palette) -> None:
    """Write the title at the upper left."""
    figure.text(
        0.022, 0.968, clean(title), color=colours.ink, fontsize=14, fontweight="bold", va="center", ha="left"
    )
    figure.text(0.978, 0.968, clean(subtitle), color=colours.faint, fontsize=9.5, va="center", ha="right")


def png(figure: Figure) -> bytes:
    """Give the picture as a PNG without a date in it, so that the same content is the same file."""
    sink = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the bundled font lacks shows boxes; the text beside the picture has it whole.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            sink, format="png", dpi=DPI, facecolor=figure.get_facecolor(), metadata={"Software": None}
        )
    return sink.getvalue()


def when(ts_ms: float, pattern: str) -> str:
    """Write a UTC time."""
    moment = datetime.fromtimestamp(ts_ms / 1000, UTC)
    # strftime names months in the machine's language, not the reader's.
    return moment.strftime(pattern.replace("%b", month(moment.month)))


def digits_for(span: float, level: float) -> int:
    """Give how many digits after the point a price of this level and range needs."""
    size = max(abs(span), abs(level) * 1e-6, 1e-12)
    return int(np.clip(2 - np.floor(np.log10(size)), 0, 8))


def price_text(value: float, digits: int) -> str:
    """Write a price."""
    return numeral(f"{value:,.{digits}f}")


def percent_text(ratio: float, digits: int = 2, *, signed: bool = False) -> str:
    """Write a share of one as a percentage."""
    sign = "+" if signed else ""
    return numeral(f"{ratio * 100:{sign},.{digits}f}") + word("percent")


def time_ticks(axes: Axes, ts_ms: Any, *, count: int = 8) -> None:
    """Put times under an axis whose x is the row number; a new day shows its date."""
    n = len(ts_ms)
    rows = np.unique(np.linspace(0, n - 1, min(count, n)).round().astype(int))
    span_ms = float(ts_ms[-1] - ts_ms[0]) if n > 1 else 0.0
    labels = []
    last_day = ""
    for row in rows:
        day = when(ts_ms[row], "%d %b")
        if span_ms > 200 * 86_400_000:
            labels.append(when(ts_ms[row], "%b %Y"))
        elif span_ms > 12 * 86_400_000:
            labels.append(day)
        else:
            labels.append(when(ts_ms[row], "%H:%M") + ("" if day == last_day else f"\n{day}"))
        last_day = day
    axes.set_xticks(rows, labels)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart to at least `gap`, each as little as possible, within [low, high].

    Labels that would cover each other are pushed up and down from where they belong, in order.
    """
    if not wanted:
        return []
    order = np.argsort(wanted, kind="stable")
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    # Blocks of labels that touch, each centred on the mean of its members' wishes.
    blocks: list[tuple[float, int]] = []
    for index in order:
        centre, size = float(wanted[index]), 1
        while blocks and centre - gap * (size - 1) / 2 < blocks[-1][0] + gap * (blocks[-1][1] - 1) / 2 + gap:
            before, count = blocks.pop()
            centre = (before * count + centre * size) / (count + size)
            size += count
        half = gap * (size - 1) / 2
        blocks.append((float(np.clip(centre, low + half, high - half)), size))
    placed: list[float] = []
    for centre, size in blocks:
        placed += [centre + gap * (step - (size - 1) / 2) for step in range(size)]
    # Clipping at an edge can push a block into its neighbour: settle from both ends.
    for step in range(1, len(placed)):
        placed[step] = max(placed[step], placed[step - 1] + gap)
    overflow = placed[-1] - high
    if overflow > 0:
        placed[-1] = high
        for step in range(len(placed) - 2, -1, -1):
            placed[step] = min(placed[step], placed[step + 1] - gap)
    result = [0.0] * len(wanted)
    for place, index in zip(placed, order, strict=True):
        result[int(index)] = place
    return result
