"""Which pairs a market offers, and why the others of the most traded ones are not among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOffer:
    """The pairs on offer.

    Attributes:
        left_out: much traded pairs that are not, and why.
        read_at: when the list was made; it is made anew every hour. None for markets whose list does not change.
        trouble: why it could not be made anew; empty when it could.
    """

    pairs: tuple[str, ...]
    left_out: Mapping[str, str]
    read_at: datetime | None = None
    trouble: str = ""


@runtime_checkable
class OffersPairs(Protocol):
    """A feed whose pairs are chosen by a list and filters."""

    async def offer(self) -> PairOffer:
        """Give the pairs on offer, with those that were left out."""
        ...


class HasPairs(Protocol):
    """Any feed."""

    async def pairs(self) -> Sequence[str]: ...


async def offer_of(feed: HasPairs) -> PairOffer:
    """Give the pairs that any feed offers."""
    if isinstance(feed, OffersPairs):
        return await feed.offer()
    return PairOffer(pairs=tuple(await feed.pairs()), left_out={})
