"""What was held before something happened, and after it: two bars for each part."""

from __future__ import annotations

import numpy as np
from matplotlib import ticker

from desk.charts import look
from desk.charts.specs import BeforeAfterSpec
from desk.charts.words import word

#: Parts that are shown, the largest first.
_MOST_PARTS = 12


def draw_before_after(spec: BeforeAfterSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    before, after = np.asarray(spec.before, np.float64), np.asarray(spec.after, np.float64)
    order = np.argsort(-np.maximum(np.abs(before), np.abs(after)), kind="stable")[:_MOST_PARTS]
    figure = look.new_figure(colours, height=max(4.4, 1.9 + 0.62 * len(order)))
    look.head(figure, spec.title, spec.subtitle, colours)
    axes = figure.add_axes((0.13, 0.12, 0.78, 0.76))
    look.dress(axes, colours)
    axes.yaxis.tick_left()
    axes.grid(visible=False, axis="y")
    rows = np.arange(len(order))
    axes.axvline(0, color=colours.faint, linewidth=0.9, zorder=4)
    reach = float(np.max(np.abs([before, after]))) or 1.0
    for values, offset, colour, name in (
        (before[order], -0.2, colours.faint, "before"),
        (after[order], 0.2, colours.accent, "after"),
    ):
        axes.barh(rows + offset, values, height=0.36, color=colour, zorder=3, label=word(name))
        for row, value in zip(rows, values, strict=True):
            axes.annotate(
                look.price_text(float(value), 2),
                (float(value), float(row) + offset),
                xytext=(7 if value >= 0 else -7, 0),
                textcoords="offset points",
                ha="left" if value >= 0 else "right",
                va="center",
                fontsize=10,
                color=colours.ink if value else colours.faint,
                zorder=5,
            )
    low = min(0.0, float(before.min()), float(after.min()))
    axes.set_xlim(low - 0.16 * reach * (low < 0), reach * 1.16)
    axes.set_ylim(len(order) - 0.45, -0.55)
    axes.set_yticks(rows, [look.clean(spec.labels[row])[:16] for row in order])
    axes.tick_params(axis="y", colors=colours.ink, labelsize=12)
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, 0)))
    axes.legend(
        loc="lower right",
        fontsize=10,
        facecolor=colours.paper,
        edgecolor=colours.grid,
        labelcolor=colours.ink,
    )
    figure.text(
        0.978,
        0.03,
        look.clean(
            f"{word('total')} {look.price_text(float(before.sum()), 2)} → "
            f"{look.price_text(float(after.sum()), 2)} {spec.currency}".rstrip()
        ),
        color=colours.faint,
        fontsize=10,
        ha="right",
    )
    return look.png(figure)
