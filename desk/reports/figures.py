"""How figures of a report are worded: names, units and the explanation of what is undefined."""

from __future__ import annotations

from datetime import UTC, datetime

from trading.backtest.metrics import REASONS, Figure, Metrics

#: Figures of the report in groups: (name, words, how it is shown).
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Return",
        (
            ("roi", "Return", "percent"),
            ("profit", "Profit", "money"),
            ("cagr", "Annual return", "percent"),
            ("best_day", "Best day", "percent"),
            ("worst_day", "Worst day", "percent"),
            ("winning_days", "Winning days", "percent"),
        ),
    ),
    (
        "Risk",
        (
            ("volatility", "Volatility, annual", "percent"),
            ("max_drawdown", "Maximum drawdown", "percent"),
            ("max_drawdown_days", "Longest drawdown", "days"),
            ("var_95", "Value at risk, 5 % of days", "percent"),
            ("cvar_95", "Mean of those days", "percent"),
            ("exposure", "Time in the market", "percent"),
        ),
    ),
    (
        "Reward for risk",
        (
            ("sharpe", "Sharpe ratio", "number"),
            ("sharpe_robust", "Sharpe, autocorrelation allowed for", "number"),
            ("sortino", "Sortino ratio", "number"),
            ("calmar", "Calmar ratio", "number"),
            ("omega", "Omega ratio", "number"),
            ("psr", "Probability that Sharpe > 0", "percent"),
            ("dsr", "… allowing for all trials", "percent"),
        ),
    ),
    (
        "Trades",
        (
            ("trades", "Closed trades", "count"),
            ("win_rate", "Win rate", "percent"),
            ("profit_factor", "Profit factor", "number"),
            ("payoff", "Payoff (win / loss)", "number"),
            ("expectancy", "Mean profit per trade", "money"),
            ("largest_win", "Largest win", "money"),
            ("largest_loss", "Largest loss", "money"),
            ("longest_loss_streak", "Losses in a row", "count"),
            ("holding_days", "Mean time held", "days"),
        ),
    ),
)

#: The figures that reports leave out and the command line shows.
_REST: tuple[tuple[str, str, str], ...] = (
    ("sharpe_daily", "Sharpe ratio of days, not annual", "number"),
    ("skew", "Skew of the daily returns", "number"),
    ("kurtosis", "Kurtosis; 3 is normal", "number"),
    ("autocorrelation", "Of daily returns at one day", "number"),
    ("days", "Full days seen", "count"),
    ("wins", "Trades won", "count"),
    ("losses", "Trades lost", "count"),
    ("break_even", "Trades at zero", "count"),
    ("average_win", "Mean win", "money"),
    ("average_loss", "Mean loss", "money"),
    ("longest_win_streak", "Wins in a row", "count"),
    ("kelly", "Kelly fraction", "percent"),
    ("kelly_size", "Kelly fraction, not below zero", "percent"),
)

#: Per figure its words, and how it is shown.
WORDED: dict[str, tuple[str, str]] = {
    name: (words, kind) for _, group in (*GROUPS, ("", _REST)) for name, words, kind in group
}

#: Words of the figures that have bootstrap intervals.
INTERVAL_WORDS = {
    "roi": ("Return", "percent"),
    "cagr": ("Annual return", "percent"),
    "volatility": ("Volatility, annual", "percent"),
    "sharpe": ("Sharpe ratio", "number"),
    "sortino": ("Sortino ratio", "number"),
    "max_drawdown": ("Maximum drawdown", "percent"),
}


def shown(value: Figure, kind: str) -> str:
    """Write a figure for people; a dash where it is undefined.

    Example:
        >>> shown(-0.0242, "percent"), shown(1234.5, "money"), shown(None, "number")
        ('−2.42 %', '1,234.50', '–')
    """
    if value is None:
        return "–"
    if kind == "count":
        text = f"{value:,.0f}"
    elif kind == "percent":
        text = f"{value * 100:,.2f} %"
    elif kind == "days":
        text = f"{value:,.1f} days"
    elif kind == "money":
        text = f"{value:,.2f}"
    else:
        text = f"{value:,.3f}"
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text[1:]  # what rounds to zero has no sign
    return text.replace("-", "\u2212")


def signed(value: Figure, kind: str) -> str:
    """Write a gain with a plus and a loss with a minus."""
    text = shown(value, kind)
    return (
        f"+{text}"
        if value is not None and value > 0 and any(digit in text for digit in "123456789")
        else text
    )


def lines_of(metrics: Metrics) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    """Give the groups of a report: (title, ((words, figure, why it is undefined), …))."""
    return tuple(
        (
            title,
            tuple(
                (
                    words,
                    shown(metrics[name], kind),
                    REASONS[metrics.reasons[name]] if name in metrics.reasons else "",
                )
                for name, words, kind in figures
            ),
        )
        for title, figures in GROUPS
    )


def moment(ms: int) -> str:
    """Write a time in UTC to the minute."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"


def price(value: float) -> str:
    """Write a price or quantity with six significant digits, never in powers of ten."""
    text = f"{value:,.6g}"
    if "e" in text:
        text = f"{value:,.10f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:,.0f}"
    return text.replace("-", "\u2212")
