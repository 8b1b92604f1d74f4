"""What a capital consists of: a ring of shares with the amounts beside it."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle, Wedge

from desk.charts import look
from desk.charts.specs import AllocationSpec
from desk.charts.words import word

#: Smaller parts are drawn together.
_MOST_PARTS = 9
#: A part thinner than this carries no number on the ring.
_LEAST_NUMBERED = 0.04


def draw_allocation(spec: AllocationSpec) -> bytes:
    """Give the picture as a PNG."""
    colours = look.palette(spec.theme)
    figure = look.new_figure(colours, height=6.4)
    look.head(figure, spec.title, spec.subtitle, colours)
    parts = _parts(spec)
    total = float(sum(abs(value) for _, value in parts)) or 1.0
    shades = [*colours.lines, colours.accent, colours.wave, colours.alternate, colours.target, colours.level]
    ring = figure.add_axes((0.02, 0.06, 0.46, 0.84))
    shares = [abs(value) / total for _, value in parts]
    angles = 90.0 - 360.0 * np.cumsum([0.0, *shares])
    for index, share in enumerate(shares):
        is_short = parts[index][1] < 0
        ring.add_patch(
            Wedge(
                (0, 0),
                1.0,
                angles[index + 1],
                angles[index],
                width=0.36,
                facecolor=shades[index % len(shades)],
                edgecolor=colours.paper,
                linewidth=2,
                hatch="///" if is_short else None,
                alpha=0.95,
            )
        )
        if share >= _LEAST_NUMBERED:
            middle = np.radians((angles[index] + angles[index + 1]) / 2)
            ring.text(
                0.82 * np.cos(middle),
                0.82 * np.sin(middle),
                look.percent_text(share, 0),
                ha="center",
                va="center",
                fontsize=10.5,
                fontweight="bold",
                color=colours.paper,
            )
    ring.text(
        0,
        0.06,
        look.price_text(float(sum(value for _, value in parts)), 2),
        ha="center",
        va="center",
        fontsize=17,
        fontweight="bold",
        color=colours.ink,
    )
    ring.text(
        0,
        -0.12,
        look.clean(f"{word('total')} {spec.currency}".strip()),
        ha="center",
        va="center",
        fontsize=10,
        color=colours.faint,
    )
    ring.set_xlim(-1.05, 1.05)
    ring.set_ylim(-1.05, 1.05)
    ring.set_aspect("equal")
    ring.axis("off")
    rows = figure.add_axes((0.52, 0.06, 0.45, 0.84))
    rows.set_xlim(0, 1)
    rows.set_ylim(0, 1)
    rows.axis("off")
    step = min(0.1, 0.94 / max(len(parts), 1))
    top = 0.5 + step * len(parts) / 2
    for index, (label, value) in enumerate(parts):
        y = top - step * (index + 0.5)
        rows.add_patch(
            Rectangle(
                (0.0, y - step * 0.22),
                0.03,
                step * 0.44,
                facecolor=shades[index % len(shades)],
                hatch="///" if value < 0 else None,
                edgecolor=colours.paper,
            )
        )
        rows.text(
            0.055, y, look.clean(label)[:26], va="center", fontsize=12, color=colours.ink, fontweight="bold"
        )
        rows.text(
            0.78,
            y,
            look.price_text(value, 2),
            va="center",
            ha="right",
            fontsize=12,
            color=colours.ink if value >= 0 else colours.down,
        )
        rows.text(
            1.0,
            y,
            look.percent_text(abs(value) / total, 1),
            va="center",
            ha="right",
            fontsize=11,
            color=colours.faint,
        )
    return look.png(figure)


def _parts(spec: AllocationSpec) -> list[tuple[str, float]]:
    """Give the parts, the largest first; many small ones become one."""
    found = [
        (label, float(value))
        for label, value in zip(spec.labels, spec.values, strict=True)
        if np.isfinite(value) and value
    ]
    found.sort(key=lambda part: -abs(part[1]))
    if len(found) <= _MOST_PARTS:
        return found
    kept, small = found[: _MOST_PARTS - 1], found[_MOST_PARTS - 1 :]
    return [*kept, (word("others"), sum(value for _, value in small))]
