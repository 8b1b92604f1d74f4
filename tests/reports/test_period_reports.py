"""Reports of a period: what is in them, how they are planned, who is told, and that no cell of them is run."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from reportlab.platypus import Paragraph

from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import ManualClock
from desk.commands import MakeReport
from desk.desk import Desk
from desk.feeds.simulated import SimulatedFeed
from desk.handlers.reports import ReportHandlers
from desk.identity import Actor, Role
from desk.jobs.bell import Bell
from desk.jobs.firings import FIRED, Firing
from desk.jobs.period_reports import plan_reports
from desk.money import MoneyKind
from desk.ports import Store
from desk.reports.period.asking import ReportAsk, last_complete, read_ask, time_of
from desk.reports.period.document import PeriodDocument, document_of
from desk.reports.period.facts import PeriodFacts, RiskEvent
from desk.reports.period.files import files_of
from desk.reports.period.letters import ReportFiles
from desk.reports.period.pdf import _story
from desk.reports.periods import Period
from desk.store import SqlStore
from desk.views import Account, AccountStatus, Bot, EquityPoint, Filter, Job, Page, Trade
from strategies.registry import default_registry
from tests.support.paper_home import a_paper_home
from trading.errors import InvalidInput, NotFound
from trading.events import Condition, Desired, TradingState
from trading.orders import Reason
from workers.hand import Result, packed, unpacked
from workers.kinds import Bench
from workers.reports.jobs import gather, tell
from workers.reports.making import run

BERLIN = "Europe/Berlin"
NOVEMBER = ReportAsk(account_id="acc", period=Period.MONTH, start=date(2026, 11, 1), zone=BERLIN)


def an_account() -> Account:
    return Account(
        id="acc", workspace_id="w", name="paper", venue="paper", is_live=False, currency="USDT",
        capital=Decimal(10_000), trading_state=TradingState.ACTIVE, state_reason="", settings={}, version=1,
        created_at=datetime(2026, 10, 1, tzinfo=UTC),
    )  # fmt: skip


def a_bot(name: str, strategy: str) -> Bot:
    return Bot(
        id=f"bot-{name}", workspace_id="w", account_id="acc", name=name, strategy=strategy, pairs=("BTC/USDT",),
        timeframe="1h", parameters={}, allocation=0.5, desired=Desired.RUNNING, condition=Condition.READY,
        condition_reason="", trading_state=TradingState.ACTIVE, phases=(), resume_at=None, last_bar_at=None,
        version=1, config_version=1, is_live=False, created_at=datetime(2026, 10, 1, tzinfo=UTC),
    )  # fmt: skip


def a_trade(number: int, bot: Bot, pnl: str, closed_at: datetime, *, tag: str = "long") -> Trade:
    return Trade(
        id=f"t{number}", number=number, workspace_id="w", account_id="acc", bot_id=bot.id, position_id=f"p{number}",
        pair="BTC/USDT", is_long=True, quantity=Decimal("0.1"), entry_price=Decimal(50_000),
        exit_price=Decimal(51_000), pnl=Decimal(pnl), pnl_ratio=float(pnl) / 5_000, fees=Decimal("1.5"),
        reason=Reason.TAKE_PROFIT_1, tag=tag, exit_tag="", bars=7, signal_id="",
        opened_at=closed_at - timedelta(hours=7), closed_at=closed_at,
    )  # fmt: skip


TIDE, EBB = a_bot("tide", "trend_following"), a_bot("ebb", "mean_reversion")


def some_facts(*, tag: str = "long", detail: Any = None, money: MoneyKind = MoneyKind.PAPER) -> PeriodFacts:
    """A November: the first trade is of its first hour in Berlin, which is October in UTC."""
    begin = NOVEMBER.since
    trades = (
        a_trade(1, TIDE, "40", begin + timedelta(minutes=5), tag=tag),
        a_trade(2, TIDE, "-15", begin + timedelta(days=3)),
        a_trade(3, EBB, "-5", begin + timedelta(days=3, hours=2)),
        a_trade(4, EBB, "0", begin + timedelta(days=9)),
    )
    equity = tuple(
        EquityPoint(at=begin + timedelta(hours=6 * step), equity=Decimal(10_000 + 20 * (step % 3)))
        for step in range(120)
    )
    return PeriodFacts(
        ask=NOVEMBER,
        workspace="home",
        account=an_account(),
        money=money,
        bot=None,
        bots=(TIDE, EBB),
        trades=trades,
        equity=equity,
        risk=(
            RiskEvent(
                at=begin + timedelta(days=2),
                rule="slots",
                bot_id=TIDE.id,
                detail=detail or {"pair": "BTC/USDT"},
            ),
        ),
        drifts={},
        undriven={EBB.id: "No bar is stored."},
        made_at=datetime(2026, 12, 1, tzinfo=UTC),
    )


def a_document(**more: Any) -> PeriodDocument:
    return document_of(some_facts(**more), default_registry())


def test_a_month_is_that_of_the_owners_calendar() -> None:
    assert NOVEMBER.since == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert NOVEMBER.until == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert read_ask(NOVEMBER.as_input()) == NOVEMBER


@pytest.mark.parametrize(
    ("period", "start"),
    [(Period.DAY, date(2026, 11, 30)), (Period.WEEK, date(2026, 11, 23)), (Period.MONTH, date(2026, 11, 1))],
)
def test_the_last_complete_period_ends_before_now(period: Period, start: date) -> None:
    # Half past midnight in Berlin, still November in UTC.
    assert last_complete(datetime(2026, 11, 30, 23, 30, tzinfo=UTC), period, ZoneInfo(BERLIN)) == start


def test_figures_days_and_bots_add_up() -> None:
    document = a_document()

    assert document.total.pnl == Decimal(20)
    assert (document.total.trades, document.total.wins, document.total.losses) == (4, 1, 2)
    assert [one.name for one in document.bots] == ["tide", "ebb"]
    assert [one.sum.pnl for one in document.bots] == [Decimal(25), Decimal(-5)]
    assert document.bots[0].return_ratio == pytest.approx(25 / 5_000)
    assert document.bots[0].profit_factor == pytest.approx(40 / 15)
    assert len(document.days) == 30
    assert [one.sum.pnl for one in document.days if one.sum.trades] == [Decimal(40), Decimal(-20), Decimal(0)]
    assert document.days[0].day == date(2026, 11, 1)
    assert document.rules == {"slots": 1}
    assert document.undriven == {"ebb": "No bar is stored."}
    assert document.title == "paper: November 2026"
    assert document.metrics["win_rate"] == pytest.approx(0.25)
    assert document.metrics["sharpe"] is not None


def test_the_pdf_has_pages_and_the_workbook_every_sheet() -> None:
    files = files_of(a_document())

    pdf = files["report.pdf"][1]
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= 1
    with zipfile.ZipFile(io.BytesIO(files["report.xlsx"][1])) as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
    assert names == ["Summary", "Days", "Bots", "Drift", "Risk", "Trades", "Equity"]
    rows = list(csv.DictReader(io.StringIO(files["trades.csv"][1].decode("utf-8-sig"))))
    assert [one["pnl"] for one in rows] == ["40", "-15", "-5", "0"]
    assert rows[0]["bot"] == "tide"


@pytest.mark.parametrize(
    ("money", "said"),
    [(MoneyKind.PAPER, "paper"), (MoneyKind.TEST, "test money"), (MoneyKind.LIVE, "LIVE: real money")],
)
def test_a_report_on_paper_says_whose_money_it_is(money: MoneyKind, said: str) -> None:
    lines = [one.getPlainText() for one in _story(a_document(money=money)) if isinstance(one, Paragraph)]

    assert lines[1].startswith(f"paper ({said}, USDT)")


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_report_is_run_by_a_spreadsheet(text: str) -> None:
    document = a_document(tag=text, detail={"pair": text})

    files = files_of(document, ("csv", "xlsx"))

    rows = list(csv.DictReader(io.StringIO(files["trades.csv"][1].decode("utf-8-sig"), newline="")))
    assert rows[0]["tag"] == f"'{text}"
    with zipfile.ZipFile(io.BytesIO(files["report.xlsx"][1])) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
        shared = book.read("xl/sharedStrings.xml").decode()
    assert len(sheets) == 7
    assert not any("<f>" in one or "<f " in one or "hyperlink" in one for one in sheets)
    assert "cmd" not in text or "cmd|" in shared


def test_an_unknown_form_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="pdf, xlsx, csv are allowed"):
        files_of(a_document(), ("xls",))


def test_an_account_of_a_simulation_has_its_own_time() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)

    assert time_of(now, None) == now
    assert time_of(now, now - timedelta(hours=30)) == now
    assert time_of(now, now + timedelta(days=40)) == now + timedelta(days=40)


async def a_desk(store: Store, now: datetime) -> tuple[Account, Actor]:
    """A workspace with people of Berlin and an account that saw a bar."""
    home = await a_paper_home(store)
    workspace, person, account = home.workspace, home.owner, home.account
    async with store.transaction() as tx:
        await tx.members.set_preference(workspace.id, person.user_id, language="en", time_zone=BERLIN)
        await tx.members.add(workspace.id, name="Bo", email="bo@example.org", role=Role.VIEWER)
        status = AccountStatus(
            account_id=account.id, as_of=now, cash=Decimal(10_000), equity=Decimal(10_000), peak_equity=Decimal(10_000),
            day_start_equity=Decimal(10_000), drawdown=0.0, day_change=0.0, open_positions=0, max_positions=5,
            open_risk=Decimal(0), trading_state=TradingState.ACTIVE,
        )  # fmt: skip
        await tx.accounts.save_status(workspace.id, status)
    actor = Actor(
        workspace_id=workspace.id, user_id=person.user_id, name="Ada", role=Role.OWNER, channel="graphql"
    )
    return account, actor


async def test_the_clock_plans_each_period_of_an_account_once(sqlite_store: SqlStore) -> None:
    now = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    _, actor = await a_desk(sqlite_store, now)
    firing = Firing(
        workspace_id=actor.workspace_id, entry="report_week", slot="2026-11-23", slot_at=now, fired_at=now, outcome=FIRED
    )  # fmt: skip

    async with sqlite_store.transaction() as tx:
        planned = await plan_reports(Period.WEEK)(tx, firing)
        again = await plan_reports(Period.WEEK)(tx, replace(firing, slot="2026-11-24"))
        added = [await tx.jobs.add(one) for one in (*planned, *again)]

    assert [read_ask(one.input).start for one in planned] == [date(2026, 11, 16)]
    assert planned[0].input["zone"] == BERLIN
    assert added == [True, False]


async def done(store: Store, job: Job) -> Result:
    """Do a report as a worker does, its answer through the pipe's form; give what it found."""
    bench = Bench(feed=SimulatedFeed(clock=ManualClock(job.created_at), seed=1))
    async with store.reading() as tx:
        payload = await gather(tx, bench, job)
    made = run(payload, lambda *_: None)
    (values,), files = unpacked(packed((made.values,), made.files))
    result = Result(values=values, files=files)
    async with store.transaction() as tx:
        for name, (media_type, data) in result.files.items():
            await tx.jobs.add_file(
                job.workspace_id, job.id, name=name, media_type=media_type, data=data, at=job.created_at
            )
        facts = await tell(tx, job, result, job.created_at)
        facts = [*facts, *await raise_alerts(tx, job.workspace_id, facts, job.created_at)]
        await tx.journal.append(job.workspace_id, facts, job.created_at)
    return result


async def recipients(store: Store, workspace_id: str) -> list[tuple[str, str]]:
    async with store.reading() as tx:
        alerts = await tx.alerts.page(workspace_id, Filter(), Page(first=50))
        found = await tx.alerts.deliveries(workspace_id, [one.id for one in alerts])
    assert {one.kind for one in alerts} <= {"report_ready"}
    return sorted((one.channel, one.recipient) for one in found)


async def test_a_report_of_the_clock_is_told_to_everybody_with_its_files(sqlite_store: SqlStore) -> None:
    now = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    _, actor = await a_desk(sqlite_store, now)
    firing = Firing(
        workspace_id=actor.workspace_id, entry="report_day", slot="2026-11-23", slot_at=now, fired_at=now, outcome=FIRED
    )  # fmt: skip
    async with sqlite_store.transaction() as tx:
        (job,) = await plan_reports(Period.DAY)(tx, firing)
        await tx.jobs.add(job)

    result = await done(sqlite_store, job)

    assert result.values["trades"] == 0
    assert await recipients(sqlite_store, actor.workspace_id) == [
        ("email", "ada@example.org"),
        ("email", "bo@example.org"),
    ]
    async with sqlite_store.reading() as tx:
        (alert,) = await tx.alerts.page(actor.workspace_id, Filter(), Page(first=5))
    attached = await ReportFiles(sqlite_store)(alert)
    assert set(attached) == {"report.pdf", "report.xlsx"}
    assert attached["report.pdf"].startswith(b"%PDF-")
    assert await ReportFiles(sqlite_store)(replace(alert, kind="day_summary")) == {}


@pytest.mark.parametrize(("send_to", "told"), [("", []), ("email", [("email", "ada@example.org")])])
async def test_a_report_that_was_asked_for_is_told_to_the_asker_alone(
    sqlite_store: SqlStore, send_to: str, told: list[tuple[str, str]]
) -> None:
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    _, actor = await a_desk(sqlite_store, now)
    rung: list[str] = []
    bell = Bell()
    bell.listen(rung.append)
    desk = Desk(sqlite_store, EventBus(), ManualClock(now))
    ReportHandlers(bell).register(desk)

    job: Job = (await desk.do(MakeReport(period="week", send_to=send_to), actor)).view
    await done(sqlite_store, job)

    assert rung == [job.id]
    assert read_ask(job.input).start == date(2026, 11, 16)
    assert await recipients(sqlite_store, actor.workspace_id) == told


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (MakeReport(period="year"), InvalidInput, "day, week, month are allowed"),
        (MakeReport(send_to="pigeon"), InvalidInput, "email, telegram, discord are allowed"),
        (MakeReport(day=date(2030, 1, 1)), InvalidInput, "has not begun yet"),
        (MakeReport(bot_id="nobody"), NotFound, "nobody"),
    ],
)
async def test_what_cannot_be_reported_is_refused_at_once(
    sqlite_store: SqlStore, asked: MakeReport, error: type[Exception], words: str
) -> None:
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    _, actor = await a_desk(sqlite_store, now)
    desk = Desk(sqlite_store, EventBus(), ManualClock(now))
    ReportHandlers(Bell()).register(desk)

    with pytest.raises(error, match=words):
        await desk.do(asked, actor)
