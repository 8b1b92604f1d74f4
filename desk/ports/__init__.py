"""What the desk needs of the outside, as protocols; `desk.assembly` hands the objects in.

Store: every method that reads or writes rows of a workspace takes its id first, so nothing crosses the wall.
"""

from desk.ports.accounts import Accounts, Bots, CandleStore, Signals
from desk.ports.house import Alerts, Audit, Jobs, Journal, Keys, Leases, Messages
from desk.ports.orders import Execution, Fills, Metrics, Orders, Positions
from desk.ports.outside import Bar, ClosedBars, Feed, Letter, Mailer, Painter
from desk.ports.people import Members, Workspaces
from desk.ports.store import Store, Unit
from desk.venue_port import OrderRequest, Placement, Venue

__all__ = [
    "Accounts",
    "Alerts",
    "Audit",
    "Bar",
    "Bots",
    "CandleStore",
    "ClosedBars",
    "Execution",
    "Feed",
    "Fills",
    "Jobs",
    "Journal",
    "Keys",
    "Leases",
    "Letter",
    "Mailer",
    "Members",
    "Messages",
    "Metrics",
    "OrderRequest",
    "Orders",
    "Painter",
    "Placement",
    "Positions",
    "Signals",
    "Store",
    "Unit",
    "Venue",
    "Workspaces",
]
