"""A search over two parameters as a map of colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from desk.charts import look
from desk.charts.specs import HeatSpec
from desk.charts.words import numeral

#: More cells than this carry no number of their own.
_MAX_NUMBERED = 225


def draw_heat(spec: HeatSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours)
    look.head(figure, spec.title, spec.subtitle, colours)
    axes = figure.add_axes((0.075, 0.11, 0.84, 0.81))
    look.dress(axes, colours)
    axes.yaxis.tick_left()
    axes.yaxis.set_label_position("left")
    axes.grid(visible=False)
    values = np.asarray(spec.values, np.float64).reshape(len(spec.y), len(spec.x))
    known = values[np.isfinite(values)]
    reach = float(np.abs(known).max()) if len(known) else 1.0
    scale = LinearSegmentedColormap.from_list("gain", [colours.down, colours.pane, colours.up]).with_extremes(
        bad=colours.paper
    )
    axes.imshow(values, origin="lower", aspect="auto", cmap=scale, vmin=-reach or -1.0, vmax=reach or 1.0)
    axes.set_xticks(*_ticks(spec.x))
    axes.set_yticks(*_ticks(spec.y))
    axes.set_xlabel(look.clean(spec.x_name), color=colours.ink)
    axes.set_ylabel(look.clean(spec.y_name), color=colours.ink)
    if values.size <= _MAX_NUMBERED:
        for row, column in np.argwhere(np.isfinite(values)):
            axes.annotate(
                numeral(f"{values[row, column]:.2f}"),
                (column, row),
                ha="center",
                va="center",
                fontsize=8,
                color=colours.ink,
            )
    if len(known):
        row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
        axes.plot(
            column,
            row,
            marker="s",
            markersize=22,
            markerfacecolor="none",
            markeredgecolor=colours.wave,
            markeredgewidth=2,
        )
    return look.png(figure)


def _ticks(names: Sequence[str]) -> tuple[list[int], list[str]]:
    texts = [look.clean(str(one)) for one in names]
    rows = list(range(0, len(texts), max(1, -(-len(texts) // 14))))
    return rows, [texts[row] for row in rows]
