"""A search as far as it is: every trial that is known as a dot, and the best so far as a line."""

from __future__ import annotations

import numpy as np
from matplotlib import ticker

from desk.charts import look
from desk.charts.specs import SearchSpec
from desk.charts.words import numeral, word


def draw_search(spec: SearchSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours, height=6.4)
    look.head(figure, spec.title, spec.subtitle, colours)
    axes = figure.add_axes((0.03, 0.13, 0.87, 0.78))
    look.dress(axes, colours)
    trials, values = np.asarray(spec.trials, np.int64), np.asarray(spec.values, np.float64)
    order = np.argsort(trials, kind="stable")
    trials, values = trials[order] + 1, values[order]
    best = np.maximum.accumulate(values)
    done = max(spec.done, int(trials[-1]))
    axes.scatter(trials, values, s=22, color=colours.faint, alpha=0.75, zorder=3, linewidths=0)
    axes.step(
        [*trials, done],
        [*best, best[-1]],
        where="post",
        color=colours.wave,
        linewidth=2.0,
        zorder=4,
        label=word("best"),
    )
    winner = int(np.argmax(values))
    axes.plot(
        trials[winner],
        values[winner],
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=colours.up,
        markeredgewidth=2,
        zorder=5,
    )
    axes.annotate(
        numeral(f"{values[winner]:,.3f}"),
        (done, values[winner]),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
        fontweight="bold",
        color=colours.paper,
        annotation_clip=False,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": colours.wave, "edgecolor": "none"},
    )
    span = float(values.max() - values.min()) or abs(float(values.max())) or 1.0
    axes.set_ylim(float(values.min()) - 0.1 * span, float(values.max()) + 0.12 * span)
    axes.set_xlim(0.4, max(spec.of, done) + 0.6)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=12))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: numeral(f"{value:,.2f}")))
    axes.set_xlabel(word("trial"), color=colours.faint)
    axes.legend(
        loc="lower right",
        fontsize=10,
        facecolor=colours.paper,
        edgecolor=colours.grid,
        labelcolor=colours.ink,
    )
    return look.png(figure)
