"""Charts of a report as SVG text; numbers only, so nothing needs escaping but labels."""

from __future__ import annotations

from html import escape

from desk.reports.plot import LinePlot
from trading.backtest.trials import HeatMap

_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 64.0, 8.0, 22.0


def line_chart(
    plot: LinePlot, *, name: str, width: float = 900.0, height: float = 260.0, css: str = "gain"
) -> str:
    """Draw a line with its area down to the base (or to the axis).

    Args:
        name: read out by screen readers.
        css: class of the line, coloured by the page.
    """
    inner_width, inner_height = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def x(at: float) -> str:
        return f"{_LEFT + at * inner_width:.1f}"

    def y(at: float) -> str:
        return f"{_TOP + (1.0 - at) * inner_height:.1f}"

    parts = [
        (
            f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(name, quote=True)}" '
            f'class="chart {css}">'
        )
    ]
    right = f"{_LEFT + inner_width:.1f}"
    for tick in plot.y_ticks:
        parts.append(f'<line class="grid" x1="{_LEFT:g}" x2="{right}" y1="{y(tick.at)}" y2="{y(tick.at)}"/>')
        parts.append(
            f'<text x="{_LEFT + inner_width + 6:.1f}" y="{_TOP + (1 - tick.at) * inner_height + 3.5:.1f}">'
            f"{escape(tick.label)}</text>"
        )
    for tick in plot.x_ticks:
        anchor = "start" if tick.at < 0.04 else "end" if tick.at > 0.96 else "middle"
        parts.append(
            f'<text x="{x(tick.at)}" y="{height - 6:.1f}" text-anchor="{anchor}">{escape(tick.label)}</text>'
        )
    path = " ".join(f"{x(px)},{y(py)}" for px, py in plot.points)
    floor = y(min(max(plot.base, 0.0), 1.0) if plot.base is not None else 0.0)
    first, last = x(plot.points[0][0]), x(plot.points[-1][0])
    parts.append(f'<polygon class="area" points="{first},{floor} {path} {last},{floor}"/>')
    if plot.base is not None and 0.0 <= plot.base <= 1.0:
        parts.append(f'<line class="base" x1="{_LEFT:g}" x2="{right}" y1="{floor}" y2="{floor}"/>')
    parts.append(f'<polyline class="line" points="{path}"/></svg>')
    return "".join(parts)


def heat_color(value: float, low: float, high: float) -> str:
    """Give a colour from red (losing) over pale to teal (earning); zero is pale where the range holds it."""
    reach = max(abs(low), abs(high)) or 1.0
    share = (
        max(-1.0, min(1.0, value / reach))
        if low < 0.0 < high
        else 2 * (value - low) / (high - low or 1.0) - 1
    )
    strength = abs(share)
    target = (18, 135, 111) if share >= 0 else (194, 48, 61)
    pale = (246, 247, 249)
    red, green, blue = (round(p + strength * (t - p)) for p, t in zip(pale, target, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def ink_on(color: str) -> str:
    """Give black or white, whichever reads better on a colour."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else "#1b2433"


def heat_cells(heat: HeatMap) -> list[list[tuple[str, str, str]]]:
    """Give rows of (text, background, ink) from the highest y downwards; blank where nothing was tried."""
    known = [float(value) for value in heat.values.ravel() if value == value]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    rows = []
    for values in heat.values[::-1]:
        row = []
        for value in values.tolist():
            if value != value:
                row.append(("", "#ffffff", "#1b2433"))
            else:
                color = heat_color(value, low, high)
                row.append((f"{value:.2f}".replace("-", "\u2212"), color, ink_on(color)))
        rows.append(row)
    return rows
