"""What was earned beside what the same rules earn on the same bars."""

from __future__ import annotations

import numpy as np
from matplotlib import ticker

from desk.charts import look
from desk.charts.equity import date_ticks
from desk.charts.specs import DriftSpec
from desk.charts.words import word


def draw_drift(spec: DriftSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours)
    look.head(figure, spec.title, spec.subtitle, colours)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(2.4, 1), hspace=0.08, left=0.022, right=0.885, top=0.925, bottom=0.075
    )
    top, bottom = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    ts = np.asarray(spec.ts_ms, np.int64)
    live, replay = np.asarray(spec.live, np.float64), np.asarray(spec.replay, np.float64)
    x = ts / 86_400_000.0
    gap = live - replay
    span = float(np.nanmax([live, replay]) - np.nanmin([live, replay])) or 1.0
    digits = min(look.digits_for(span, float(np.nanmax(np.abs([live, replay])))), 2)
    for axes in (top, bottom):
        look.dress(axes, colours)
        axes.set_xlim(x[0], x[-1] if x[-1] > x[0] else x[0] + 1e-6)
        axes.axhline(0, color=colours.faint, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, digits)))
    top.plot(x, replay, color=colours.wave, linewidth=1.6, linestyle=(0, (5, 2)), label=word("replay"))
    top.plot(x, live, color=colours.accent, linewidth=1.9, label=word("live"), zorder=4)
    top.fill_between(x, live, replay, color=colours.alternate, alpha=0.14)
    top.legend(
        loc="upper left",
        fontsize=9.5,
        facecolor=colours.paper,
        edgecolor=colours.grid,
        labelcolor=colours.ink,
    )
    bottom.fill_between(x, gap, 0, where=gap >= 0, color=colours.up, alpha=0.35, step="post", linewidth=0)
    bottom.fill_between(x, gap, 0, where=gap < 0, color=colours.down, alpha=0.4, step="post", linewidth=0)
    bottom.step(x, gap, where="post", color=colours.faint, linewidth=1.0)
    bottom.text(
        0.006,
        0.08,
        look.clean(f"{word('difference')} {look.price_text(float(gap[-1]), 2)} {spec.currency}".strip()),
        transform=bottom.transAxes,
        color=colours.up if gap[-1] >= 0 else colours.down,
        fontsize=9.5,
        fontweight="bold",
        va="bottom",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": colours.paper, "edgecolor": "none", "alpha": 0.85},
    )
    for values, colour in ((live, colours.accent), (replay, colours.wave)):
        top.annotate(
            look.price_text(float(values[-1]), 2),
            (x[-1], values[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            fontweight="bold",
            color=colours.paper,
            annotation_clip=False,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
        )
    date_ticks(top, bottom, ts)
    figure.text(0.022, 0.022, look.clean(spec.note), color=colours.faint, fontsize=10)
    figure.text(0.978, 0.022, "UTC", color=colours.faint, fontsize=8.5, ha="right")
    return look.png(figure)
