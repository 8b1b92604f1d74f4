"""Candles with what a bot sees in them: waves, Fibonacci levels, the trade, its stop and its exits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D

from desk.charts import look
from desk.charts.look import Palette
from desk.charts.specs import MAX_BARS, CandleSpec, Mark, TradeMarks, WaveLine
from desk.charts.words import word

#: Share of the width kept free on the right, for the newest bar and the price labels.
_MARGIN_BARS = 0.06


@dataclass(frozen=True, slots=True)
class _Tag:
    """A price that is named at the right edge."""

    price: float
    text: str
    colour: str
    style: str
    from_row: float
    is_strong: bool = True


def draw_candles(spec: CandleSpec) -> bytes:
    """Give the picture as a PNG."""
    spec = newest(spec)
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours)
    look.head(figure, spec.title, spec.subtitle, colours)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(5, 1), hspace=0.04, left=0.022, right=0.865, top=0.935, bottom=0.062
    )
    price, volume = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    for axes in (price, volume):
        look.dress(axes, colours)
    _bodies(price, spec, colours)
    _volume(volume, spec, colours)
    _limits(price, volume, spec)
    _overlays(price, spec, colours)
    for number, wave in enumerate(sorted(spec.waves, key=lambda one: not one.is_alternate)):
        _wave(price, spec, wave, colours, number)
    tags = _levels(spec, colours)
    if spec.trade is not None:
        tags += _trade(price, spec, spec.trade, colours)
    tags.append(_last(spec, colours))
    _edge_labels(price, spec, tags, colours)
    _legend(price, spec, colours)
    look.time_ticks(volume, spec.ts_ms)
    price.set_xticks(volume.get_xticks())
    price.tick_params(labelbottom=False)
    figure.text(0.978, 0.028, "UTC", color=colours.faint, fontsize=8.5, ha="right")
    return look.png(figure)


def newest(spec: CandleSpec) -> CandleSpec:
    """Give the newest bars that fit, without losing the entry of a trade where that is possible."""
    n = len(spec.ts_ms)
    if n <= MAX_BARS:
        return spec
    start = n - MAX_BARS
    part = slice(start, n)
    return replace(
        spec,
        ts_ms=spec.ts_ms[part],
        open=spec.open[part],
        high=spec.high[part],
        low=spec.low[part],
        close=spec.close[part],
        volume=spec.volume[part],
        overlays=tuple(replace(one, values=one.values[part]) for one in spec.overlays),
    )


def row_of(spec: CandleSpec, ts_ms: float) -> float:
    """Give where a time lies among the bars; before the first it is negative."""
    ts = np.asarray(spec.ts_ms, np.float64)
    if len(ts) < 2:
        return 0.0
    step = (ts[-1] - ts[0]) / (len(ts) - 1)
    if ts_ms < ts[0]:
        return float((ts_ms - ts[0]) / step)
    if ts_ms > ts[-1]:
        return float(len(ts) - 1 + min((ts_ms - ts[-1]) / step, 1.0))
    return float(np.interp(ts_ms, ts, np.arange(len(ts))))


def _bodies(axes: Axes, spec: CandleSpec, colours: Palette) -> None:
    opens, highs, lows, closes = (
        np.asarray(one, np.float64) for one in (spec.open, spec.high, spec.low, spec.close)
    )
    rows = np.arange(len(opens), dtype=np.float64)
    is_up = closes >= opens
    half = 0.36 if len(rows) <= 220 else 0.42
    flat = np.maximum(np.abs(closes - opens), (highs.max() - lows.min()) * 0.0012)
    bottoms = np.minimum(opens, closes)
    for mask, colour in ((is_up, colours.up), (~is_up, colours.down)):
        x, low, high = rows[mask], lows[mask], highs[mask]
        wicks = np.stack([np.column_stack([x, low]), np.column_stack([x, high])], axis=1)
        axes.add_collection(LineCollection(list(wicks), colors=colour, linewidths=0.9, zorder=2))
        b, t = bottoms[mask], bottoms[mask] + flat[mask]
        corners = [(x - half, b), (x + half, b), (x + half, t), (x - half, t)]
        boxes = np.stack([np.column_stack(one) for one in corners], axis=1)
        axes.add_collection(
            PolyCollection(list(boxes), facecolors=colour, edgecolors=colour, linewidths=0.4, zorder=3)
        )


def _volume(axes: Axes, spec: CandleSpec, colours: Palette) -> None:
    volume = np.asarray(spec.volume, np.float64)
    is_up = np.asarray(spec.close) >= np.asarray(spec.open)
    shade = np.where(is_up, colours.up, colours.down)
    axes.bar(np.arange(len(volume)), volume, width=0.8, color=shade, alpha=0.55, linewidth=0)
    top = float(volume.max(initial=0.0))
    axes.set_ylim(0, top * 1.15 if top > 0 else 1.0)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(2))
    axes.yaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    axes.text(
        0.006, 0.86, word("volume"), transform=axes.transAxes, color=colours.faint, fontsize=8.5, va="center"
    )


def _limits(price: Axes, volume: Axes, spec: CandleSpec) -> None:
    n = len(spec.ts_ms)
    low, high = float(np.min(spec.low)), float(np.max(spec.high))
    span = max(high - low, high * 1e-4)
    wanted = [one.price for one in spec.levels]
    if spec.trade is not None:
        trade = spec.trade
        wanted += [trade.entry.price, *trade.targets]
        wanted += [trade.stop] if trade.stop is not None else []
    # Levels far from the candles would flatten them: show those within 60 % of the range.
    near = [one for one in wanted if low - 0.6 * span <= one <= high + 0.6 * span]
    low, high = min([low, *near]), max([high, *near])
    # Wave labels stand outside the candles and need more room.
    pad = (high - low) * (0.11 if spec.waves else 0.07) or high * 0.01
    price.set_ylim(low - pad, high + pad)
    right = n - 1 + max(2.0, n * _MARGIN_BARS)
    for axes in (price, volume):
        axes.set_xlim(-1.0, right)
    digits = look.digits_for(high - low, high)
    price.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: look.price_text(value, digits)))
    price.yaxis.set_major_locator(ticker.MaxNLocator(9))


def _overlays(axes: Axes, spec: CandleSpec, colours: Palette) -> None:
    rows = np.arange(len(spec.ts_ms))
    for number, one in enumerate(spec.overlays):
        colour = colours.lines[number % len(colours.lines)]
        axes.plot(rows, np.asarray(one.values, np.float64), color=colour, linewidth=1.2, alpha=0.85, zorder=4)


def _wave(axes: Axes, spec: CandleSpec, wave: WaveLine, colours: Palette, number: int) -> None:
    if not wave.points:
        return
    colour = colours.alternate if wave.is_alternate else colours.wave
    x = np.array([row_of(spec, one.ts_ms) for one in wave.points])
    y = np.array([one.price for one in wave.points])
    axes.plot(
        x,
        y,
        color=colour,
        linewidth=1.1 if wave.is_alternate else 1.7,
        linestyle=(0, (4, 3)) if wave.is_alternate else "-",
        alpha=0.85 if wave.is_alternate else 0.95,
        zorder=6,
    )
    for index, point in enumerate(wave.points):
        if x[index] < -0.5:
            continue
        neighbours = [y[one] for one in (index - 1, index + 1) if 0 <= one < len(y)]
        is_top = not neighbours or y[index] >= float(np.mean(neighbours))
        # Main labels sit next to the pivot, those of the alternate one line further out.
        distance = (11 if not wave.is_alternate else 25 + 12 * max(number - 1, 0)) * (1 if is_top else -1)
        axes.annotate(
            look.clean(f"({point.label})" if wave.is_alternate else point.label),
            (x[index], y[index]),
            xytext=(0, distance),
            textcoords="offset points",
            ha="center",
            va="center",
            color=colour,
            fontsize=9.5 if wave.is_alternate else 12,
            fontweight="normal" if wave.is_alternate else "bold",
            zorder=8,
            clip_on=True,
            bbox={
                "boxstyle": "round,pad=0.15",
                "facecolor": colours.pane,
                "edgecolor": "none",
                "alpha": 0.75,
            },
        )
    if wave.running and not wave.is_alternate:
        _running(axes, spec, wave, float(x[-1]), float(y[-1]), colours)
    if wave.invalidation is not None and not wave.is_alternate:
        axes.hlines(
            wave.invalidation,
            x[-1],
            axes.get_xlim()[1],
            colors=colour,
            linewidth=1.0,
            linestyles=(0, (1, 2)),
            zorder=5,
        )


def _running(axes: Axes, spec: CandleSpec, wave: WaveLine, x: float, y: float, colours: Palette) -> None:
    """Draw the wave in progress as what it is: a guess."""
    end, close = len(spec.ts_ms) - 1, float(spec.close[-1])
    if end - x < 2:
        return
    axes.plot(
        [x, end], [y, close], color=colours.wave, linewidth=1.1, linestyle=(0, (1, 2)), alpha=0.8, zorder=6
    )
    axes.annotate(
        look.clean(f"{wave.running}?"),
        (end, close),
        xytext=(0, 14 if close >= y else -14),
        textcoords="offset points",
        ha="center",
        va="center",
        color=colours.wave,
        fontsize=10,
        zorder=8,
    )


def _levels(spec: CandleSpec, colours: Palette) -> list[_Tag]:
    return [
        _Tag(
            one.price,
            f"{one.label}",
            colours.level,
            "fib",
            max(row_of(spec, one.from_ms), -1.0) if one.from_ms is not None else -1.0,
            is_strong=False,
        )
        for one in spec.levels
    ]


def _trade(axes: Axes, spec: CandleSpec, trade: TradeMarks, colours: Palette) -> list[_Tag]:
    start = max(row_of(spec, trade.entry.ts_ms), -1.0)
    edge = axes.get_xlim()[1]
    end = edge if trade.is_open else max((row_of(spec, one.ts_ms) for one in trade.exits), default=edge)
    if len(trade.targets) and trade.stop is not None:
        _zone(axes, start, end, trade.entry.price, trade.targets[-1], colours.target)
        _zone(axes, start, end, trade.entry.price, trade.stop, colours.stop)
    tags = [_Tag(trade.entry.price, word("entry"), colours.entry, "line", start)]
    if trade.stop is not None:
        has_moved = len(trade.stop_path) > 1 and trade.stop_path[-1].price != trade.stop
        tags.append(
            _Tag(
                trade.stop,
                word("first_stop" if has_moved else "stop"),
                colours.stop,
                "line",
                start,
                not has_moved,
            )
        )
        if has_moved:
            last = trade.stop_path[-1]
            tags.append(
                _Tag(last.price, word("stop"), colours.stop, "line", max(row_of(spec, last.ts_ms), -1.0))
            )
    tags += [
        _Tag(price, f"TP{leg}", colours.target, "line", start) for leg, price in enumerate(trade.targets, 1)
    ]
    _stop_path(axes, spec, trade, end, colours)
    _arrow(axes, row_of(spec, trade.entry.ts_ms), trade.entry, trade.is_long, colours.entry, colours)
    for one in trade.exits:
        x = row_of(spec, one.ts_ms)
        axes.plot(
            [x],
            [one.price],
            marker="X",
            markersize=9,
            color=colours.ink,
            markeredgecolor=colours.paper,
            zorder=9,
        )
    _exit_labels(axes, spec, trade, colours)
    return tags


def _exit_labels(axes: Axes, spec: CandleSpec, trade: TradeMarks, colours: Palette) -> None:
    """Name the exits to the left of their marks, kept apart where several lie close together."""
    low, high = axes.get_ylim()
    named = [one for one in trade.exits if one.label and row_of(spec, one.ts_ms) >= 0]
    places = look.spread([one.price for one in named], (high - low) * 0.042, low, high)
    left = len(spec.ts_ms) * 0.022
    for one, place in zip(named, places, strict=True):
        x = row_of(spec, one.ts_ms)
        axes.annotate(
            look.clean(one.label),
            (x, one.price),
            xytext=(x + left, place),
            textcoords="data",
            ha="left",
            va="center",
            fontsize=8.8,
            color=colours.ink,
            zorder=10,
            clip_on=True,
            bbox={
                "boxstyle": "round,pad=0.25",
                "facecolor": colours.paper,
                "edgecolor": colours.grid,
                "alpha": 0.9,
            },
            arrowprops={"arrowstyle": "-", "color": colours.faint, "linewidth": 0.7},
        )


def _zone(axes: Axes, start: float, end: float, low: float, high: float, colour: str) -> None:
    axes.fill_between([start, end], low, high, color=colour, alpha=0.09, linewidth=0, zorder=1)


def _stop_path(axes: Axes, spec: CandleSpec, trade: TradeMarks, end: float, colours: Palette) -> None:
    if len(trade.stop_path) < 2:
        return
    x = [row_of(spec, one.ts_ms) for one in trade.stop_path]
    y = [one.price for one in trade.stop_path]
    axes.step([*x, max(end, x[-1])], [*y, y[-1]], where="post", color=colours.stop, linewidth=1.5, zorder=5)


def _arrow(axes: Axes, x: float, mark: Mark, is_long: bool, colour: str, colours: Palette) -> None:
    axes.plot(
        [x],
        [mark.price],
        marker="^" if is_long else "v",
        markersize=12,
        color=colour,
        markeredgecolor=colours.paper,
        zorder=9,
        clip_on=True,
    )


def _last(spec: CandleSpec, colours: Palette) -> _Tag:
    is_up = spec.close[-1] >= spec.open[-1]
    return _Tag(float(spec.close[-1]), "", colours.up if is_up else colours.down, "last", 0.0)


def _edge_labels(axes: Axes, spec: CandleSpec, tags: list[_Tag], colours: Palette) -> None:
    """Draw the lines and name their prices at the right edge, none over another."""
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    shown = [one for one in tags if low <= one.price <= high]
    digits = look.digits_for(high - low, high)
    places = look.spread([one.price for one in shown], (high - low) * 0.031, low, high)
    for one, place in zip(shown, places, strict=True):
        dashes: Any = {"fib": (0, (2, 3)), "last": (0, (1, 3)), "line": "-"}[one.style]
        axes.hlines(
            one.price,
            one.from_row,
            right,
            colors=one.colour,
            linewidth=1.2 if one.style == "line" else 0.8,
            linestyles=dashes,
            alpha=0.9 if one.style == "line" else 0.6,
            zorder=4,
        )
        price = look.price_text(one.price, digits)
        axes.annotate(
            look.clean(f"{one.text}  {price}" if one.text else price),
            (right, one.price),
            xytext=(1.004, (place - low) / (high - low)),
            textcoords="axes fraction",
            ha="left",
            va="center",
            fontsize=9 if one.is_strong else 8.2,
            fontweight="bold" if one.is_strong else "normal",
            color=colours.paper if one.is_strong else one.colour,
            annotation_clip=False,
            zorder=12,
            bbox={
                "boxstyle": "round,pad=0.22",
                "facecolor": one.colour if one.is_strong else colours.paper,
                "edgecolor": "none" if one.is_strong else colours.grid,
                "linewidth": 0.6,
            },
        )
    _hide_covered_ticks(axes, places, low, high)


def _hide_covered_ticks(axes: Axes, places: list[float], low: float, high: float) -> None:
    clear = (high - low) * 0.026
    ticks = [
        one
        for one in axes.get_yticks()
        if low <= one <= high and all(abs(one - place) > clear for place in places)
    ]
    axes.set_yticks(ticks)


def _legend(axes: Axes, spec: CandleSpec, colours: Palette) -> None:
    handles = [
        Line2D(
            [],
            [],
            color=colours.lines[number % len(colours.lines)],
            linewidth=1.4,
            label=look.clean(one.label),
        )
        for number, one in enumerate(spec.overlays)
    ]
    for wave in spec.waves:
        name = wave.pattern.replace("_", " ") or word("count")
        handles.append(
            Line2D(
                [],
                [],
                color=colours.alternate if wave.is_alternate else colours.wave,
                linestyle="--" if wave.is_alternate else "-",
                linewidth=1.4,
                label=look.clean(word("alternate", name=name) if wave.is_alternate else name),
            )
        )
    if spec.trade is not None and len(spec.trade.stop_path) > 1:
        handles.append(Line2D([], [], color=colours.stop, linewidth=1.5, label=word("stop_moved")))
    if handles:
        legend = axes.legend(
            handles=handles,
            loc="upper left",
            fontsize=8.5,
            facecolor=colours.paper,
            edgecolor=colours.grid,
            labelcolor=colours.ink,
            framealpha=0.85,
            borderpad=0.5,
        )
        legend.set_zorder(11)
