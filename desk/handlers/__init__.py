"""Who does each command: one function per command, one file per subject."""

from __future__ import annotations

from collections.abc import Callable

from desk.desk import Desk
from desk.exchange_ports import KeyProbe
from desk.handlers.alerts import AlertHandlers
from desk.handlers.approvals import ApprovalHandlers
from desk.handlers.by_hand import ByHandHandlers
from desk.handlers.closing import ClosingHandlers
from desk.handlers.entries import EntryHandlers
from desk.handlers.exchanges import ExchangeHandlers
from desk.handlers.golive import GoLiveHandlers
from desk.handlers.hooks import HookHandlers
from desk.handlers.letters import LetterHandlers
from desk.handlers.lifecycle import LifecycleHandlers
from desk.handlers.limits import LimitHandlers
from desk.handlers.links import LinkHandlers
from desk.handlers.models import ModelHandlers
from desk.handlers.notices import NoticeHandlers
from desk.handlers.orders import OrderHandlers
from desk.handlers.people import PeopleHandlers
from desk.handlers.privacy import PrivacyHandlers
from desk.handlers.proofs import ProofHandlers
from desk.handlers.reports import ReportHandlers
from desk.handlers.research import ResearchHandlers
from desk.handlers.risk import RiskHandlers
from desk.handlers.rollback import RollBackHandlers
from desk.handlers.sessions import SessionHandlers
from desk.handlers.setup import SetupHandlers
from desk.jobs.bell import Bell
from desk.ports import Feed
from strategies.registry import StrategyRegistry

__all__ = ["register_all"]


def register_all(
    desk: Desk,
    *,
    registry: StrategyRegistry,
    feed: Feed,
    wake: Callable[[], None] = lambda: None,
    bell: Bell | None = None,
    probe: KeyProbe | None = None,
) -> None:
    """Give every command of the table its handler.

    Args:
        registry: strategies that bots may use.
        feed: pairs that bots may trade.
        wake: called after a commit that the supervisor should look at.
        bell: rung after a commit that queued a job.
        probe: tries keys to exchanges; None where this process reaches none.
    """
    setup = SetupHandlers(registry, feed, wake)
    setup.register(desk)
    RollBackHandlers(setup.change_config, setup.preview_change).register(desk)
    LifecycleHandlers(wake).register(desk)
    GoLiveHandlers(desk, wake).register()
    risk = RiskHandlers(wake)
    risk.register(desk)
    LimitHandlers(desk, wake).register()
    ClosingHandlers(risk.close_position).register(desk)
    OrderHandlers(wake).register(desk)
    EntryHandlers(wake).register(desk)
    ByHandHandlers(desk, registry, feed, wake).register()
    PeopleHandlers().register(desk)
    LinkHandlers().register(desk)
    ApprovalHandlers().register(desk)
    ProofHandlers(desk).register()
    SessionHandlers().register(desk)
    HookHandlers().register(desk)
    ExchangeHandlers(desk.store, probe).register(desk)
    PrivacyHandlers().register(desk)
    AlertHandlers(wake).register(desk)
    NoticeHandlers().register(desk)
    bell = bell or Bell()
    ResearchHandlers(registry, feed, bell).register(desk)
    ReportHandlers(bell).register(desk)
    ModelHandlers(feed, bell).register(desk)
    LetterHandlers(bell, wake).register(desk)
