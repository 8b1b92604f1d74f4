"""Equity with its drawdown."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from desk.charts import look
from desk.charts.specs import EquitySpec
from desk.charts.words import numeral, word

#: More points than pixels say nothing more.
_MAX_POINTS = 4_000


def drawdown_of(
    equity: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give equity over its peak so far, minus one."""
    peak = np.maximum.accumulate(equity)
    return np.where(peak > 0, equity / np.where(peak > 0, peak, 1.0) - 1.0, 0.0)


def draw_equity(spec: EquitySpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours)
    look.head(figure, spec.title, spec.subtitle, colours)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3, 1), hspace=0.06, left=0.022, right=0.885, top=0.935, bottom=0.062
    )
    top, bottom = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    equity = np.asarray(spec.equity, np.float64)
    ts = np.asarray(spec.ts_ms, np.int64)
    drawdown = drawdown_of(equity)
    kept = _kept(equity)
    x = ts / 86_400_000.0
    for axes in (top, bottom):
        look.dress(axes, colours)
        axes.set_xlim(x[0], x[-1] if x[-1] > x[0] else x[0] + 1e-6)
    if len(spec.benchmark):
        top.plot(
            x[kept],
            np.asarray(spec.benchmark)[kept],
            color=colours.faint,
            linewidth=1.0,
            linestyle="--",
            label=word("holding"),
        )
    top.plot(x[kept], equity[kept], color=colours.accent, linewidth=1.7, label=word("equity"), zorder=4)
    base = float(equity[0])
    top.axhline(base, color=colours.faint, linewidth=0.8, linestyle=(0, (2, 3)))
    top.fill_between(
        x[kept],
        equity[kept],
        base,
        where=equity[kept] >= base,
        color=colours.up,
        alpha=0.13,
        interpolate=True,
    )
    top.fill_between(
        x[kept],
        equity[kept],
        base,
        where=equity[kept] < base,
        color=colours.down,
        alpha=0.13,
        interpolate=True,
    )
    digits = look.digits_for(float(equity.max() - equity.min()), float(equity.max()))
    digits = min(digits, 2)
    top.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, digits)))
    change = equity[-1] / base - 1.0 if base else 0.0
    unit = f"{spec.currency}  " if spec.currency else ""
    top.annotate(
        f"{look.price_text(float(equity[-1]), 2)}\n{look.clean(unit)}{look.percent_text(change, signed=True)}",
        (x[-1], equity[-1]),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        fontweight="bold",
        color=colours.paper,
        annotation_clip=False,
        bbox={
            "boxstyle": "round,pad=0.3",
            "facecolor": colours.up if change >= 0 else colours.down,
            "edgecolor": "none",
        },
    )
    if len(spec.benchmark):
        top.legend(
            loc="upper left",
            fontsize=8.5,
            facecolor=colours.paper,
            edgecolor=colours.grid,
            labelcolor=colours.ink,
        )
    bottom.fill_between(x[kept], drawdown[kept] * 100, 0, color=colours.down, alpha=0.45, linewidth=0)
    bottom.plot(x[kept], drawdown[kept] * 100, color=colours.down, linewidth=1.0)
    deepest = int(drawdown.argmin())
    bottom.set_ylim(min(float(drawdown.min()) * 120, -0.5), 0)
    bottom.yaxis.set_major_formatter(
        ticker.FuncFormatter(lambda value, _: numeral(f"{value:.3g}") + word("percent"))
    )
    bottom.yaxis.set_major_locator(ticker.MaxNLocator(4))
    bottom.text(
        0.006,
        0.1,
        word(
            "deepest",
            depth=look.percent_text(float(drawdown[deepest])),
            day=look.when(float(ts[deepest]), "%d %b %Y"),
        ),
        transform=bottom.transAxes,
        color=colours.ink,
        fontsize=8.8,
        va="bottom",
    )
    date_ticks(top, bottom, ts)
    figure.text(0.978, 0.028, "UTC", color=colours.faint, fontsize=8.5, ha="right")
    return look.png(figure)


def _kept(equity: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Give the rows that are drawn: all, or the low and the high of each stretch."""
    n = len(equity)
    if n <= _MAX_POINTS:
        return np.arange(n)
    edges = np.linspace(0, n, _MAX_POINTS // 2 + 1).astype(int)
    rows = [0, n - 1]
    for start, stop in pairwise(edges):
        part = equity[start:stop]
        rows += [start + int(part.argmin()), start + int(part.argmax())]
    return np.unique(np.array(rows))


def date_ticks(top: Axes, bottom: Axes, ts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    """Put dates under the lower of two panes that share their times."""
    ticks = np.linspace(float(ts[0]), float(ts[-1]), 9)[1:-1]
    days = (ts[-1] - ts[0]) / 86_400_000
    pattern = "%b %Y" if days > 400 else "%d %b %Y" if days > 60 else "%d %b" if days > 9 else "%d %b\n%H:%M"
    places = ticks / 86_400_000.0
    top.set_xticks(places)
    top.tick_params(labelbottom=False)
    bottom.set_xticks(places, [look.when(one, pattern) for one in ticks])
