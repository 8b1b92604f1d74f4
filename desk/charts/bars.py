"""Amounts as bars: profit per day, pair or tag."""

from __future__ import annotations

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from desk.charts import look
from desk.charts.specs import BarSpec
from desk.charts.words import numeral, word

#: More bars than this carry no number of their own.
_MAX_NUMBERED = 24


def draw_bars(spec: BarSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours, height=6.4)
    look.head(figure, spec.title, spec.subtitle, colours)
    axes = figure.add_axes((0.022, 0.13, 0.895, 0.79))
    look.dress(axes, colours)
    values = np.asarray(spec.values, np.float64)
    rows = np.arange(len(values))
    axes.bar(rows, values, width=0.68, color=np.where(values >= 0, colours.up, colours.down), zorder=3)
    axes.axhline(0, color=colours.faint, linewidth=0.9, zorder=4)
    top, bottom = max(float(values.max()), 0.0), min(float(values.min()), 0.0)
    span = (top - bottom) or 1.0
    axes.set_ylim(bottom - 0.12 * span * (bottom < 0), top + 0.12 * span * (top > 0 or bottom == 0))
    axes.set_xlim(-0.7, len(values) - 0.3)
    digits = 0 if span >= 500 else 2
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, digits)))
    if len(values) <= _MAX_NUMBERED:
        for row, value in zip(rows, values, strict=True):
            axes.annotate(
                numeral(f"{value:+,.{digits}f}") if value else "0",
                (row, value),
                xytext=(0, 7 if value >= 0 else -8),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=8.5 if len(values) <= 14 else 7,
                color=colours.ink,
                zorder=5,
            )
    _names(axes, spec, rows)
    total = float(values.sum())
    figure.text(
        0.022,
        0.022,
        look.clean(f"{word('sum')} {numeral(f'{total:+,.2f}')} {spec.currency}".rstrip()),
        color=colours.up if total >= 0 else colours.down,
        fontsize=10,
        fontweight="bold",
    )
    return look.png(figure)


def _names(axes: Axes, spec: BarSpec, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
    step = int(np.ceil(len(rows) / 16))
    shown = rows[::step]
    names = [look.clean(spec.labels[row])[:22] for row in shown]
    is_long = max(len(one) for one in names) * len(shown) > 150
    axes.set_xticks(shown, names, rotation=28 if is_long else 0, ha="right" if is_long else "center")
