"""Limits as dials: green with room, yellow from two thirds on, red when reached."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Wedge

from desk.charts import look
from desk.charts.specs import Gauge, GaugeSpec
from desk.charts.words import word

#: From this share on a dial warns.
_WARNS = 2 / 3
#: Below this share a scale is low, and as far from its end it is high.
_LOW = 0.4
#: Dials in a row, and at most.
_IN_ROW, _MOST = 4, 8


def draw_gauges(spec: GaugeSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    gauges = list(spec.gauges)[:_MOST]
    rows = -(-len(gauges) // _IN_ROW)
    figure = look.new_figure(colours, height=4.4 if rows == 1 else 7.4)
    look.head(figure, spec.title, spec.subtitle, colours)
    columns = min(len(gauges), _IN_ROW)
    for index, gauge in enumerate(gauges):
        row, column = divmod(index, _IN_ROW)
        in_row = min(columns, len(gauges) - row * _IN_ROW)
        width, height = 0.96 / in_row, 0.88 / rows
        left, bottom = 0.02 + width * column, 0.02 + height * (rows - 1 - row)
        axes = figure.add_axes((left + 0.01, bottom, width - 0.02, height - 0.02))
        _dial(axes, gauge, colours)
    return look.png(figure)


def _dial(axes: Axes, gauge: Gauge, colours: look.Palette) -> None:
    used = float(np.clip(gauge.used, 0.0, 1.0)) if np.isfinite(gauge.used) else 0.0
    colour = _scale_colour(used, colours) if gauge.is_scale else _limit_colour(used, colours)
    axes.add_patch(Wedge((0, 0), 1.0, 0, 180, width=0.22, facecolor=colours.grid, edgecolor="none"))
    axes.add_patch(Wedge((0, 0), 1.0, 180 - 180 * used, 180, width=0.22, facecolor=colour, edgecolor="none"))
    mark = np.radians(90 if gauge.is_scale else 180 - 180 * _WARNS)
    axes.plot(
        [0.76 * np.cos(mark), 1.03 * np.cos(mark)],
        [0.76 * np.sin(mark), 1.03 * np.sin(mark)],
        color=colours.paper,
        linewidth=2,
    )
    is_reached = used >= 1.0 and not gauge.is_scale
    shown = (
        word("reached")
        if is_reached
        else f"{used * 100:.0f}"
        if gauge.is_scale
        else look.percent_text(used, 0)
    )
    axes.text(
        0,
        0.16,
        shown,
        ha="center",
        va="center",
        fontsize=15 if is_reached else 19,
        fontweight="bold",
        color=colour,
    )
    axes.text(
        0, -0.16, look.clean(gauge.label)[:34], ha="center", va="center", fontsize=11, color=colours.ink
    )
    axes.text(
        0, -0.36, look.clean(gauge.text)[:44], ha="center", va="center", fontsize=9.5, color=colours.faint
    )
    axes.set_xlim(-1.12, 1.12)
    axes.set_ylim(-0.5, 1.08)
    axes.set_aspect("equal")
    axes.axis("off")


def _limit_colour(used: float, colours: look.Palette) -> str:
    return colours.down if used >= 1.0 else colours.wave if used >= _WARNS else colours.up


def _scale_colour(used: float, colours: look.Palette) -> str:
    return colours.down if used < _LOW else colours.up if used > 1 - _LOW else colours.wave
