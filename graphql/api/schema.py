"""The schema, put together from the domains."""

from __future__ import annotations

import strawberry
from graphql import GraphQLNamedType, print_schema
from strawberry.schema.config import StrawberryConfig

from api.account.mutations import AccountMutations
from api.account.queries import AccountQueries
from api.alerts.mutations import AlertMutations
from api.alerts.notices import NoticeMutations, NoticeQueries
from api.alerts.queries import AlertQueries
from api.bots.entries import EntryMutations, EntryQueries
from api.bots.mutations import BotMutations
from api.bots.queries import BotQueries
from api.events.subscriptions import EventSubscriptions
from api.events.types import ALL_EVENT_TYPES
from api.jobs.mutations import JobMutations
from api.jobs.queries import JobQueries
from api.market.forecast_mutations import ForecastMutations
from api.market.forecasts import ForecastQueries
from api.market.news import NewsQueries
from api.market.queries import MarketQueries
from api.market.studies import StudyQueries
from api.market.subscriptions import MarketSubscriptions
from api.orders.mutations import OrderMutations
from api.orders.queries import OrderQueries
from api.portfolio.groups import GroupQueries
from api.portfolio.queries import PortfolioQueries
from api.reports.mutations import ReportMutations
from api.reports.queries import ReportQueries
from api.risk.mutations import RiskMutations
from api.risk.queries import RiskQueries
from api.runner import Schema
from api.scalars import scalar_map
from api.system.letters import LetterMutations, LetterQueries
from api.system.queries import SystemQueries


@strawberry.type
class Query(
    AccountQueries,
    AlertQueries,
    BotQueries,
    EntryQueries,
    GroupQueries,
    JobQueries,
    LetterQueries,
    MarketQueries,
    NewsQueries,
    ForecastQueries,
    NoticeQueries,
    OrderQueries,
    PortfolioQueries,
    ReportQueries,
    RiskQueries,
    StudyQueries,
    SystemQueries,
):
    """What can be read."""


@strawberry.type
class Mutation(
    AccountMutations,
    AlertMutations,
    BotMutations,
    EntryMutations,
    JobMutations,
    ForecastMutations,
    LetterMutations,
    NoticeMutations,
    OrderMutations,
    ReportMutations,
    RiskMutations,
):
    """What can be asked for: one mutation per command of the desk, under the same name."""


@strawberry.type
class Subscription(EventSubscriptions, MarketSubscriptions):
    """What can be followed."""


def build_schema() -> Schema:
    """Put the schema together."""
    schema = Schema(
        Query,
        mutation=Mutation,
        subscription=Subscription,
        types=ALL_EVENT_TYPES,
        config=StrawberryConfig(scalar_map=scalar_map(), disable_field_suggestions=True, sort_schema=False),
    )
    for one in schema._schema.type_map.values():
        _describe(one)
    return schema


def sdl() -> str:
    """Give the schema as text: the golden file `graphql/schema.graphql`."""
    return print_schema(SCHEMA._schema) + "\n"


def _describe(one: GraphQLNamedType) -> None:
    """Take a missing description from the docstring of the class."""
    definition = one.extensions.get("strawberry-definition")
    origin = getattr(definition, "origin", None)
    if one.description is None and origin is not None and origin.__doc__:
        one.description = origin.__doc__.strip().splitlines()[0]


#: The one schema of the process.
SCHEMA = build_schema()
