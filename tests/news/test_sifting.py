"""Which headlines are about what, in which language, and which of them say the same."""

from __future__ import annotations

import pytest

from workers.news.alike import Titles
from workers.news.language import language_of
from workers.news.tagging import assets_of


@pytest.mark.parametrize(
    ("title", "assets"),
    [
        ("Bitcoin climbs as miners hold", ("BTC",)),
        ("BTC, ETH and XRP slide", ("BTC", "ETH", "XRP")),
        ("Bitcoin Cash jumps, Bitcoin does not", ("BCH", "BTC")),
        ("Ethereum Classic is not Ethereum", ("ETC", "ETH")),
        ("Traders near the exit, link to the report, op-ed by a ton of dots", ()),
        ("$SOL and (ADA) lead while sol rises over the bay", ("SOL", "ADA")),
        ("Вitcoin with a Cyrillic letter", ()),
        ("$SCAM and $BTCX to the moon", ()),
        ("Bitcoiner's house", ()),
        ("Regulator fines a bank", ()),
    ],
)
def test_only_names_of_the_list_are_tagged(title: str, assets: tuple[str, ...]) -> None:
    assert assets_of(title) == assets


def test_the_summary_tells_where_the_title_names_nothing() -> None:
    assert assets_of("Fund opens", "The fund will hold Bitcoin, Ether, XRP and Litecoin.") == (
        "BTC",
        "ETH",
        "XRP",
    )
    assert assets_of("Solana fund opens", "It is no Bitcoin fund.") == ("SOL",)


@pytest.mark.parametrize(
    ("text", "claimed", "language"),
    [
        ("Bitcoin climbs past the old high as funds keep buying", "", "en"),
        ("Bitcoin ETF outflows hit $1.2B", "", "en"),
        ("Bitcoin Kurs Prognose 2026", "de", "de"),
        ("El regulador multa a una plataforma por la venta de bitcoin", "en", "es"),
        ("Le régulateur inflige une amende à la plateforme pour des pratiques douteuses", "", "fr"),
        ("A bolsa não vai abrir para os clientes do Brasil", "", "pt"),
        ("ビットコインが急騰", "en", ""),
        ("Биткоин вырос на 5%", "en", ""),
    ],
)
def test_languages_are_told_apart(text: str, claimed: str, language: str) -> None:
    assert language_of(text, claimed=claimed) == language


def test_the_same_news_in_nearly_the_same_words_is_known() -> None:
    titles = Titles(["Bitcoin climbs past old high as funds keep buying"])

    assert titles.has_like("Bitcoin climbs past its old high as funds keep buying")
    assert titles.has_like("BITCOIN CLIMBS PAST OLD HIGH AS FUNDS KEEP BUYING!")
    assert not titles.has_like("Bitcoin falls from old high as funds stop buying")
    assert not titles.has_like("!!!")


def test_another_number_is_other_news() -> None:
    titles = Titles(["Bitcoin climbs to 70,000 as funds keep on buying more of it"])

    assert not titles.has_like("Bitcoin climbs to 80,000 as funds keep on buying more of it")


def test_the_index_finds_what_a_comparison_with_each_would_find() -> None:
    words = (
        "funds",
        "miners",
        "banks",
        "climb",
        "fall",
        "hold",
        "sell",
        "gold",
        "bitcoin",
        "rates",
        "today",
        "again",
    )
    known = [" ".join(words[(at * step) % 12] for step in range(1, 9)) for at in range(60)]
    titles = Titles(known)

    def alone(title: str) -> bool:
        return any(Titles([one]).has_like(title) for one in known)

    asked = [" ".join(words[(at * step + 5) % 12] for step in range(1, 10)) for at in range(60)] + known
    found = [titles.has_like(one) for one in asked]
    assert found == [alone(one) for one in asked]
    assert all(found[60:])
    assert not all(found[:60])
