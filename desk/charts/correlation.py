"""How returns move together, as a map of colours; what counts as one risk is framed."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from desk.charts import look
from desk.charts.specs import CorrelationSpec, Theme
from desk.charts.words import numeral, word

#: More names than this carry no numbers.
_MOST_NUMBERED = 14
#: Colours this deep carry light numbers.
_DEEP = 0.6


def draw_correlation(spec: CorrelationSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours)
    look.head(figure, spec.title, spec.subtitle, colours)
    n = len(spec.names)
    values = np.asarray(spec.values, np.float64).reshape(n, n)
    axes = figure.add_axes((0.16, 0.12, 0.68, 0.79))
    look.dress(axes, colours)
    axes.grid(visible=False)
    axes.yaxis.tick_left()
    scale = LinearSegmentedColormap.from_list(
        "together", [colours.accent, colours.pane, colours.stop]
    ).with_extremes(bad=colours.paper)
    axes.imshow(values, cmap=scale, vmin=-1, vmax=1, aspect="auto")
    held = set(spec.held)
    names = [look.clean(one)[:16] for one in spec.names]
    axes.set_xticks(range(n), names, rotation=30 if n > 6 else 0, ha="right" if n > 6 else "center")
    axes.set_yticks(range(n), names)
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        for name, tick in zip(spec.names, ticks, strict=True):
            tick.set_color(colours.wave if name in held else colours.faint)
            tick.set_fontweight("bold" if name in held else "normal")
    for row in range(n):
        for column in range(n):
            value = values[row, column]
            if n <= _MOST_NUMBERED and np.isfinite(value):
                axes.text(
                    column,
                    row,
                    numeral(f"{value:.2f}"),
                    ha="center",
                    va="center",
                    fontsize=9.5 if n <= 8 else 8,
                    color=colours.paper if abs(value) > _DEEP and spec.theme is Theme.LIGHT else colours.ink,
                )
            if row != column and np.isfinite(value) and value >= spec.threshold:
                axes.add_patch(
                    Rectangle(
                        (column - 0.47, row - 0.47),
                        0.94,
                        0.94,
                        fill=False,
                        edgecolor=colours.ink,
                        linewidth=2,
                    )
                )
    figure.text(
        0.022,
        0.03,
        look.clean(word("linked", threshold=numeral(f"{spec.threshold:.2f}"))),
        color=colours.ink,
        fontsize=10,
    )
    return look.png(figure)
