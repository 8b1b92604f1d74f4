"""Write docs/pictures/{telegram,discord,mail}.png: ten real cards of the test house as each platform shows them.

What the platforms are handed (HTML, embeds, a letter's HTML) is laid out in their look by a headless Chromium.

Run: PYTHONPATH=.:graphql python tools/chat_pictures.py      (needs `chromium` on the path)
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from chatops.alerts import alert_card  # noqa: E402 - the path is set above
from chatops.cards import Card, Press, Text  # noqa: E402
from chatops.discord_bot.rendering import sheets_of  # noqa: E402
from chatops.email.bodies import card_as_html  # noqa: E402
from chatops.telegram_bot.render import pages_of  # noqa: E402
from chatops.texts.speaker import Speaker  # noqa: E402
from desk.charts.drawing import draw  # noqa: E402
from desk.store import migrate, open_store  # noqa: E402
from tests.chatops.chat_house import ChatHouse, furnished, with_entry  # noqa: E402
from tests.support.records import an_alert  # noqa: E402
from trading.events import Severity  # noqa: E402

#: What is said; the last two cards are alerts.
LINES = (
    "/status",
    "/trades 5",
    "/profit 30",
    "/whynot ETH/USDT",
    "/sl BTC/USDT 2%",
    "/chart BTC/USDT bars=90",
    "/backtest trend_following BTC/USDT 1h",
    "/panic exchange misbehaves",
)

_STYLE = """
*{box-sizing:border-box} body{margin:0;padding:24px;columns:2;column-gap:24px;width:1180px;font-size:15px;
line-height:1.38;font-family:Roboto,"Segoe UI","Helvetica Neue",Arial,sans-serif}
.card{break-inside:avoid;margin:0 0 18px;display:inline-block;width:100%}
pre{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:11.5px;overflow:hidden;margin:4px 0;white-space:pre}
img{width:100%;display:block}
"""
_TELEGRAM = """
body{background:#0e1621;color:#f5f5f5} .bubble{background:#182533;border-radius:12px;overflow:hidden}
.text{padding:8px 12px 10px;white-space:pre-wrap;word-wrap:break-word} pre,code{background:#0f1a26;border-radius:6px}
pre{padding:8px;border-left:3px solid #5eb5f7} .said{background:#2b5278;border-radius:12px;padding:6px 12px;margin:0 0 6px 30%}
.keys{display:grid;grid-template-columns:repeat(6,1fr);gap:4px;margin-top:4px}
.key{background:#1f2f3f;border-radius:8px;text-align:center;padding:8px;grid-column:span 3} .key.third{grid-column:span 2}
blockquote{border-left:3px solid #5eb5f7;margin:4px 0;padding-left:8px}
"""
_DISCORD = """
body{background:#313338;color:#dbdee1} .said{color:#949ba4;font-size:13px;margin:0 0 4px}
.embed{background:#2b2d31;border-left:4px solid;border-radius:4px;padding:10px 14px 14px;font-size:14px}
.embed h3{margin:2px 0 6px;font-size:15px;color:#f2f3f5} .fields{display:flex;flex-wrap:wrap;gap:8px 14px;margin-top:6px}
.field{flex:0 0 30%} .field.wide{flex:0 0 100%} .name{font-weight:700;color:#f2f3f5;font-size:13px}
.foot{font-size:12px;color:#b5bac1;margin-top:8px} pre,code{background:#1e1f22;border-radius:4px} pre{padding:8px}
.keys{display:flex;gap:8px;margin-top:6px;flex-wrap:wrap} .key{border-radius:3px;padding:7px 16px;font-size:14px;color:#fff;background:#4e5058}
.key.ok{background:#248046} .key.no{background:#da373c} img{border-radius:4px;margin-top:8px}
"""
_SIGNS = {"🟢": "#4fbf67", "🟡": "#f0b232", "🔴": "#f04747", "❓": "#8e8ef0"}
_MAIL = "body{background:#dfe4ec} .card>div{width:100%}"


async def cards(house: ChatHouse) -> list[tuple[str, Card]]:
    """Say the lines and give the cards, two alerts last."""
    chat = house.chat()
    found = [(line, await chat.say(line)) for line in LINES]
    found[-1] = (found[-1][0], await chat.press("confirm"))
    _, asked = await with_entry(house, code="K7Q2XM")
    question = await chat.say("/entry K7Q2XM")
    found.append(("", replace(alert_card(asked, bot="demo"), chart=question.chart)))
    closed = replace(
        an_alert(house.workspace.id, dedupe_key="screen"),
        kind="exit_filled",
        severity=Severity.INFO,
        pair="BTC/USDT",
        params={"pnl": "41.50", "pnl_ratio": 0.0208, "reason": "take_profit_2", "exit_price": "43000.00"},
    )
    return [*found, ("", alert_card(closed, bot="demo"))]


def drawn(card: Card) -> str:
    """Give a card's picture as an address that holds it; empty without one."""
    if card.chart is None:
        return ""
    return "data:image/png;base64," + base64.b64encode(draw(card.chart.kind, card.chart.spec)).decode()


def as_telegram(line: str, card: Card, speaker: Speaker) -> str:
    """Give a message as Telegram's dark theme shows it."""
    picture = drawn(card)
    third = " third" if len(card.buttons) == 3 else ""
    keys = "".join(
        f'<div class="key{third}">{html.escape(speaker.say(Text(f"button.{one.name}", one.params)))}</div>'
        for one in card.buttons
    )
    shown = "".join(
        f'<div class="text">{page}</div>' for page in pages_of(card, speaker, has_picture=bool(picture))[:1]
    )
    for sign, colour in _SIGNS.items():
        # Not every machine that draws has a font with these signs.
        shown = shown.replace(sign, f'<span style="color:{colour}">●</span>')
    said = f'<div class="said">{html.escape(line)}</div>' if line else ""
    image = f'<img src="{picture}">' if picture else ""
    return f'{said}<div class="bubble">{image}{shown}</div><div class="keys">{keys}</div>'


def as_discord(line: str, card: Card, speaker: Speaker) -> str:
    """Give a message as Discord's dark theme shows it."""
    picture = drawn(card)
    parts = [f'<div class="said">{html.escape(line or "Breakwater")}</div>']
    for embed in (
        one.as_dict() for one in sheets_of(card, speaker, picture="x.png" if picture else "")[0].embeds
    ):
        fields = "".join(
            f'<div class="field{"" if one.get("inline") else " wide"}"><div class="name">{marked(one["name"])}</div>'
            f"{marked(one['value'])}</div>"
            for one in embed.get("fields", ())
        )
        image = f'<img src="{picture}">' if "image" in embed else ""
        foot = html.escape((embed.get("footer") or {}).get("text", ""))
        parts.append(
            f'<div class="embed" style="border-color:#{embed.get("color", 0):06x}"><h3>{marked(embed.get("title", ""))}</h3>'
            f'{marked(embed.get("description", ""))}<div class="fields">{fields}</div>{image}<div class="foot">{foot}</div></div>'
        )
    kinds = {Press.CONFIRM: " ok", Press.DISMISS: " no"}
    keys = "".join(
        f'<div class="key{kinds.get(one.press, "")}">{html.escape(speaker.say(Text(f"button.{one.name}", one.params)))}</div>'
        for one in card.buttons
    )
    return "".join(parts) + f'<div class="keys">{keys}</div>'


def marked(text: str) -> str:
    """Give Discord's marks as HTML: blocks of code, bold, and escapes taken away."""
    pieces = re.split(r"```(?:\w*\n)?(.*?)```", text, flags=re.DOTALL)
    shown = []
    for number, piece in enumerate(pieces):
        if number % 2:
            shown.append(f"<pre>{html.escape(piece)}</pre>")
            continue
        inner = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(piece))
        shown.append(re.sub(r"\\([^A-Za-z0-9\s])", r"\1", inner).replace("\n", "<br>"))
    return "".join(shown)


def as_mail(line: str, card: Card, speaker: Speaker) -> str:
    """Give a letter's body with its picture in the text."""
    if card.chart is not None:
        card = replace(card, chart=replace(card.chart, spec={**card.chart.spec, "theme": "light"}))
    picture = drawn(card)
    page = card_as_html(card, speaker, picture="picture" if picture else "")
    body = re.search(r"<body[^>]*>(.*)</body>", page, re.DOTALL)
    assert body is not None
    return body[1].replace("cid:picture", picture)


def shoot(name: str, style: str, bodies: list[str], folder: Path) -> Path:
    """Let a browser lay the cards out, and cut the empty edge off."""
    page = folder / f"{name}.html"
    inner = "".join(f'<div class="card">{one}</div>' for one in bodies)
    page.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><style>{_STYLE}{style}</style><body>{inner}</body>',
        encoding="utf-8",
    )
    raw = folder / f"{name}.png"
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1180,6000", f"--screenshot={raw}", page.as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    image = Image.open(io.BytesIO(raw.read_bytes())).convert("RGB")
    empty = Image.new("RGB", image.size, image.getpixel((2, image.height - 2)))
    box = ImageChops.difference(image, empty).getbbox()
    target = ROOT / "docs" / "pictures" / f"{name}.png"
    cut = image.crop((0, 0, image.width, min(image.height, (box[3] if box else image.height) + 24)))
    cut.quantize(128).save(target, optimize=True)
    return target


async def main() -> None:
    """Furnish a house, talk to it, take the pictures."""
    speaker = Speaker("en", "Europe/Paris")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:{folder / 'screens.db'}"
        await migrate(url)
        store = open_store(url)
        try:
            found = await cards(await furnished(store))
        finally:
            await store.close()
        for platform, style, render in (
            ("telegram", _TELEGRAM, as_telegram),
            ("discord", _DISCORD, as_discord),
            ("mail", _MAIL, as_mail),
        ):
            taken = shoot(platform, style, [render(line, card, speaker) for line, card in found], folder)
            print(f"{taken.relative_to(ROOT)}: {len(found)} cards, {taken.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    asyncio.run(main())
