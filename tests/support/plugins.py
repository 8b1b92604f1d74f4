"""Strategies from outside: the text of one, a package that offers it, a folder that holds it."""

from __future__ import annotations

from pathlib import Path

#: A whole strategy in one file: `NAME` is put in place of the name, `BARS` of the window.
STRATEGY_TEXT = '''
"""Buy above the average, sell below it."""

from strategies.frame import indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from trading.signals import Exit


class Outside(RuleStrategy):
    name = "NAME"
    title = "From outside"
    idea = "Long above the average."
    source = "A test."
    fails_in = "Everywhere."
    tags = ("above", "below")
    parameters = (Parameter(name="bars", kind="int", default=BARS, minimum=2, text="Window."),)

    def inputs(self):
        return indicators(average=f"sma:{self.whole('bars')}", atr="atr:14")

    def plan(self, frame):
        close, average = frame["close"], frame["average"]
        return Plan(
            entries=(
                Entry(
                    side=1,
                    tag="above",
                    rules=(Rule("above_average", close, ">", average),),
                    stop=close - 2.0 * frame["atr"],
                    targets=(close + 2.0 * frame["atr"],),
                ),
            ),
            exits=(ExitPlan(closes=Exit.LONG, tag="below", rules=(Rule("below_average", close, "<", average),)),),
        )
'''


def strategy_text(name: str, bars: int = 10) -> str:
    """Give the source of a working strategy."""
    return STRATEGY_TEXT.replace("NAME", name).replace("BARS", str(bars))


def write_package(site: Path, name: str) -> None:
    """Put an installed-looking package with an entry point into a folder that is on the path."""
    package = f"package_of_{name}"
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").write_text(strategy_text(name))
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[breakwater.strategies]\n{name} = {package}:Outside\n")
