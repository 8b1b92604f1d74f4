"""A forecast as a fan: the price until now, and the bands in which it may lie until the horizon."""

from __future__ import annotations

import numpy as np
from matplotlib import ticker

from desk.charts import look
from desk.charts.equity import date_ticks
from desk.charts.specs import FanSpec


def draw_fan(spec: FanSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours, height=6.4)
    look.head(figure, spec.title, spec.subtitle, colours)
    axes = figure.add_axes((0.022, 0.1, 0.87, 0.82))
    look.dress(axes, colours)
    ts, close = np.asarray(spec.ts_ms, np.int64), np.asarray(spec.close, np.float64)
    ahead = np.asarray(spec.ahead_ms, np.int64)
    quantiles = np.asarray(spec.quantiles, np.float64)
    bands = np.asarray(spec.bands, np.float64).reshape(len(quantiles), len(ahead))
    x, x_ahead = ts / 86_400_000.0, ahead / 86_400_000.0
    middle = len(quantiles) // 2
    for low in range(middle):
        # The outer bands are the faintest: less is expected there.
        axes.fill_between(
            x_ahead, bands[low], bands[-1 - low], color=colours.accent, alpha=0.12 + 0.06 * low, linewidth=0
        )
    axes.plot(x_ahead, bands[middle], color=colours.accent, linewidth=1.7, linestyle=(0, (5, 2)), zorder=4)
    if len(ts):
        axes.plot(x, close, color=colours.ink, linewidth=1.5, zorder=5)
    axes.axvline(float(x_ahead[0]), color=colours.faint, linewidth=0.9, linestyle=(0, (2, 3)))
    known = np.concatenate([close, bands.ravel()])
    digits = look.digits_for(float(known.max() - known.min()), float(known.max()))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, digits)))
    ends = look.spread(
        [float(one) for one in bands[:, -1]],
        0.035 * float(np.ptp(known) or 1.0),
        *map(float, axes.get_ylim()),
    )
    for quantile, price, at in zip(quantiles, bands[:, -1], ends, strict=True):
        axes.annotate(
            f"{look.percent_text(float(quantile), 0)}  {look.price_text(float(price), digits)}",
            (float(x_ahead[-1]), at),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            color=colours.ink,
            zorder=6,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": colours.paper, "edgecolor": "none", "alpha": 0.8},
        )
    axes.set_xlim(float(x[0]) if len(x) else float(x_ahead[0]), float(x_ahead[-1]))
    date_ticks(axes, axes, np.concatenate([ts, ahead]))
    axes.tick_params(labelbottom=True)
    figure.text(0.978, 0.022, "UTC", color=colours.faint, fontsize=8.5, ha="right")
    return look.png(figure)
