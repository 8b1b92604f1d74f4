"""A stand-in for Telegram's servers, run as a process of its own: `python -m tests.support.telegram_server`.

The Bot API is at `/bot<token>/<method>`. What people do, and what goes wrong, is told over `/control/<verb>`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from typing import Any

from aiohttp import web

from tests.support.telegram_rules import (
    Floods,
    Refusal,
    a_chat,
    a_user,
    checked_commands,
    checked_markup,
    checked_text,
)

TOKEN = "4711:stand-in-token"
BOT_ID = 4711
USERNAME = "breakwater_test_bot"
EDITING = frozenset({"editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup"})
SENDING = EDITING | {"sendMessage", "sendPhoto", "sendDocument"}


class Server:
    """Telegram, as far as one bot can tell."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.floods = Floods(scale)
        self.updates: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.next_update = 1
        self.confirmed = 0
        self.polls = 0
        self.poll_turn = 0
        self.messages: dict[tuple[str, int], dict[str, Any]] = {}
        self.log: list[dict[str, Any]] = []
        self.next_message = 100
        self.menus: list[dict[str, Any]] = []
        self.calls: dict[str, int] = {}
        self.faults: list[dict[str, Any]] = []
        self.webhook: dict[str, Any] = {"url": ""}
        self.left: list[str] = []
        self.blocked: set[str] = set()
        self.is_revoked = False

    # What the bot asks

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer a method of the Bot API."""
        method = request.match_info["method"]
        form = await request.post()
        fields: dict[str, Any] = dict(form.items())
        self.calls[method] = self.calls.get(method, 0) + 1
        try:
            self._check_token(request.match_info["token"])
            fault = self._fault(method)
            result = await self._call(method, fields, request)
        except Refusal as refusal:
            body: dict[str, Any] = {
                "ok": False,
                "error_code": refusal.code,
                "description": refusal.description,
            }
            if refusal.parameters:
                body["parameters"] = refusal.parameters
            return web.json_response(body, status=refusal.code)
        if fault is not None and fault["kind"] == "lose_answer":
            # Done, but the answer never gets there.
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    def _check_token(self, token: str) -> None:
        if token != TOKEN or self.is_revoked:
            raise Refusal(401, "Unauthorized")

    def _fault(self, method: str) -> dict[str, Any] | None:
        for fault in self.faults:
            if fault["method"] in (method, "*") and fault["times"] > 0:
                fault["times"] -= 1
                if fault["kind"] == "refuse":
                    raise Refusal(
                        int(fault["code"]), str(fault["description"]), **fault.get("parameters", {})
                    )
                return fault
        return None

    async def _call(self, method: str, fields: dict[str, Any], request: web.Request) -> Any:
        if method in SENDING:
            self.floods.pass_(str(fields["chat_id"]), time.monotonic())
        match method:
            case "getMe":
                return {
                    "id": BOT_ID,
                    "is_bot": True,
                    "first_name": "Breakwater",
                    "username": USERNAME,
                    "can_join_groups": True,
                    "can_read_all_group_messages": False,
                    "supports_inline_queries": False,
                }
            case "getUpdates":
                return await self._get_updates(fields, request)
            case "sendMessage":
                text = checked_text(fields.get("text", ""), fields.get("parse_mode", ""), 4096)
                return self._message(method, fields, text)
            case "sendPhoto" | "sendDocument":
                name = "photo" if method == "sendPhoto" else "document"
                content = (
                    fields[name]
                    if name in fields
                    else next(value for value in fields.values() if isinstance(value, web.FileField))
                )
                size = len(content.file.read()) if isinstance(content, web.FileField) else 0
                if isinstance(content, str) and content.startswith("attach://"):
                    size = len(fields[content.removeprefix("attach://")].file.read())
                text = checked_text(
                    fields.get("caption", ""), fields.get("parse_mode", ""), 1024, may_be_empty=True
                )
                return self._message(method, fields, text, size=size)
            case "editMessageText" | "editMessageCaption" | "editMessageMedia":
                return self._edit(method, fields)
            case "editMessageReplyMarkup":
                return self._disarmed(fields)
            case "setMyCommands":
                commands = checked_commands(fields["commands"])
                self.menus.append(
                    {
                        "commands": commands,
                        "scope": json.loads(fields.get("scope", "{}")),
                        "language": fields.get("language_code", ""),
                    }
                )
                return True
            case "setWebhook":
                self.webhook = {"url": fields["url"], "secret": fields.get("secret_token", "")}
                return True
            case "deleteWebhook":
                self.webhook = {"url": ""}
                return True
            case "getWebhookInfo":
                return {
                    "url": self.webhook["url"],
                    "has_custom_certificate": False,
                    "pending_update_count": 0,
                }
            case "leaveChat":
                self.left.append(str(fields["chat_id"]))
                return True
            case "pinChatMessage":
                self.log.append(
                    {"method": method, "chat": str(fields["chat_id"]), "id": int(fields["message_id"])}
                )
                return True
            case "answerCallbackQuery":
                return True
        raise Refusal(404, "Not Found")

    async def _get_updates(self, fields: dict[str, Any], request: web.Request) -> list[dict[str, Any]]:
        if self.webhook["url"]:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active")
        self.polls += 1
        self.poll_turn += 1
        mine = self.poll_turn
        try:
            offset = int(fields.get("offset", 0))
            self.confirmed = max(self.confirmed, offset - 1)
            self.updates = [one for one in self.updates if one["update_id"] > self.confirmed]
            ends = time.monotonic() + float(fields.get("timeout", 0))
            while not self.updates and time.monotonic() < ends:
                self.news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.news.wait(), min(0.25, max(0.0, ends - time.monotonic())))
                if self.poll_turn != mine:
                    raise Refusal(
                        409,
                        "Conflict: terminated by other getUpdates request; make sure that only one bot runs",
                    )
                if request.transport is None or request.transport.is_closing():
                    return []
            return self.updates[: int(fields.get("limit", 100))]
        finally:
            self.polls -= 1

    def _message(self, method: str, fields: dict[str, Any], text: str, *, size: int = 0) -> dict[str, Any]:
        chat = str(fields["chat_id"])
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        keys = checked_markup(fields.get("reply_markup"))
        self.next_message += 1
        message = {
            "id": self.next_message,
            "method": method,
            "chat": chat,
            "thread": fields.get("message_thread_id", ""),
            "text": text,
            "raw": fields.get("text", fields.get("caption", "")),
            "keys": [[key["text"], key["callback_data"]] for row in keys for key in row],
            "force_reply": "force_reply" in fields.get("reply_markup", ""),
            "silent": fields.get("disable_notification", "") == "true",
            "reply_to": json.loads(fields["reply_parameters"])["message_id"]
            if "reply_parameters" in fields
            else 0,
            "size": size,
            "at": time.time(),
        }
        self.messages[chat, self.next_message] = message
        self.log.append(dict(message))
        return self._as_api(message)

    def _edit(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        chat, message_id = str(fields["chat_id"]), int(fields["message_id"])
        message = self.messages.get((chat, message_id))
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        is_text = message["method"] == "sendMessage" and not message["size"]
        if method == "editMessageText" and not is_text:
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        if method == "editMessageCaption" and is_text:
            raise Refusal(400, "Bad Request: there is no caption in the message to edit")
        said, size = fields, message["size"]
        if method == "editMessageMedia":
            # Text may become a picture; a picture never becomes text again.
            said = json.loads(fields["media"])
            size = len(fields[said["media"].removeprefix("attach://")].file.read())
        raw = said.get("text", said.get("caption", ""))
        limit = 4096 if method == "editMessageText" else 1024
        text = checked_text(raw, said.get("parse_mode", ""), limit, may_be_empty=limit == 1024)
        keys = [
            [key["text"], key["callback_data"]]
            for row in checked_markup(fields.get("reply_markup"))
            for key in row
        ]
        if (text, keys, size) == (message["text"], message["keys"], message["size"]):
            raise Refusal(400, "Bad Request: message is not modified")
        message |= {"text": text, "keys": keys, "raw": raw, "size": size}
        self.log.append({**message, "method": method, "at": time.time()})
        return self._as_api(message)

    def _disarmed(self, fields: dict[str, Any]) -> dict[str, Any]:
        message = self.messages.get((str(fields["chat_id"]), int(fields["message_id"])))
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if not message["keys"] and "reply_markup" not in fields:
            raise Refusal(400, "Bad Request: message is not modified")
        message["keys"] = []
        self.log.append({**message, "method": "editMessageReplyMarkup", "at": time.time()})
        return self._as_api(message)

    def _as_api(self, message: dict[str, Any]) -> dict[str, Any]:
        chat = int(message["chat"])
        return {
            "message_id": message["id"],
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "x"},
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "Breakwater"},
            "text": message["text"],
        }

    # What people do, and what goes wrong

    async def control(self, request: web.Request) -> web.Response:
        """Do what a test asks for."""
        spec = await request.json() if request.can_read_body else {}
        answer = getattr(self, f"_do_{request.match_info['verb']}")(spec)
        return web.json_response(answer)

    def _push(self, body: dict[str, Any]) -> dict[str, Any]:
        update = {"update_id": self.next_update, **body}
        self.next_update += 1
        self.updates.append(update)
        self.news.set()
        return {"update_id": update["update_id"], "update": update}

    def _do_say(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.next_message += 1
        message: dict[str, Any] = {
            "message_id": self.next_message,
            "date": int(time.time()),
            "chat": a_chat(spec),
            "from": a_user(spec),
            "text": spec["text"],
        }
        if spec.get("thread"):
            message |= {"message_thread_id": int(spec["thread"]), "is_topic_message": True}
        if spec.get("answers"):
            message["reply_to_message"] = {
                "message_id": int(spec["answers"]),
                "date": int(time.time()),
                "chat": a_chat(spec),
                "from": {"id": BOT_ID, "is_bot": True, "first_name": "Breakwater"},
            }
        message |= spec.get("more", {})
        return self._push({spec.get("as", "message"): message})

    def _do_tap(self, spec: dict[str, Any]) -> dict[str, Any]:
        query = {
            "id": str(self.next_update),
            "from": a_user(spec),
            "chat_instance": "1",
            "data": spec["data"],
            "message": {
                "message_id": int(spec["message"]),
                "date": int(time.time()),
                "chat": a_chat(spec),
                "from": {"id": BOT_ID, "is_bot": True, "first_name": "Breakwater"},
                "text": "x",
            },
        }
        return self._push({"callback_query": query})

    def _do_join(self, spec: dict[str, Any]) -> dict[str, Any]:
        bot = {"id": BOT_ID, "is_bot": True, "first_name": "Breakwater", "username": USERNAME}
        change = {
            "chat": a_chat(spec),
            "from": a_user(spec),
            "date": int(time.time()),
            "old_chat_member": {"user": bot, "status": "left"},
            "new_chat_member": {"user": bot, "status": spec.get("status", "member")},
        }
        return self._push({"my_chat_member": change})

    def _do_again(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Hand an update out once more, as Telegram does when a confirmation got lost."""
        self.confirmed = min(self.confirmed, spec["update"]["update_id"] - 1)
        self.updates.insert(0, spec["update"])
        self.news.set()
        return {}

    def _do_fault(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.faults.append({"times": 1, **spec})
        return {}

    def _do_reset(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Begin anew, as a server that nobody has talked to yet; the numbers of updates and messages go on."""
        turn, update, message = self.poll_turn, self.next_update, self.next_message
        self.__init__(self.scale)  # type: ignore[misc]
        self.poll_turn, self.next_update, self.next_message = turn + 1, update, message
        self.confirmed = update - 1
        return {}

    def _do_mend(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.faults.clear()
        return {}

    def _do_revoke(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.is_revoked = bool(spec.get("revoked", True))
        self.news.set()
        return {}

    def _do_block(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.blocked.add(str(spec["chat"]))
        return {}

    def _do_delete(self, spec: dict[str, Any]) -> dict[str, Any]:
        self.messages.pop((str(spec["chat"]), int(spec["message"])), None)
        return {}

    def _do_state(self, spec: dict[str, Any]) -> dict[str, Any]:
        since = int(spec.get("since", 0))
        return {
            "log": self.log[since:],
            "count": len(self.log),
            "menus": self.menus,
            "calls": self.calls,
            "waiting": len(self.updates),
            "polls": self.polls,
            "left": self.left,
            "webhook": self.webhook,
            "flood_refused": self.floods.refused,
            "busiest_second": self.floods.busiest_second,
        }


async def serve(port: int, scale: float) -> None:
    """Serve until the parent goes away; the API's listener can be closed for an outage."""
    server = Server(scale)
    api = web.Application(client_max_size=64 * 2**20)
    api.router.add_route("*", "/bot{token}/{method}", server.api)
    api_runner = web.AppRunner(api, access_log=None, keepalive_timeout=75, shutdown_timeout=0.1)
    await api_runner.setup()
    site = web.TCPSite(api_runner, "127.0.0.1", port)
    await site.start()
    assert site._server is not None
    api_port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    stand: dict[str, Any] = {"runner": api_runner}

    async def outage(request: web.Request) -> web.Response:
        spec = await request.json()
        if spec["down"] and stand["runner"] is not None:
            await stand["runner"].cleanup()
            stand["runner"] = None
        if not spec["down"] and stand["runner"] is None:
            again = web.Application(client_max_size=64 * 2**20)
            again.router.add_route("*", "/bot{token}/{method}", server.api)
            runner = web.AppRunner(again, access_log=None, keepalive_timeout=75, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", api_port).start()
            stand["runner"] = runner
        return web.json_response({})

    control = web.Application(client_max_size=64 * 2**20)
    control.router.add_post("/control/outage", outage)
    control.router.add_post("/control/{verb}", server.control)
    control_runner = web.AppRunner(control, access_log=None)
    await control_runner.setup()
    control_site = web.TCPSite(control_runner, "127.0.0.1", 0)
    await control_site.start()
    assert control_site._server is not None
    control_port = control_site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    print(json.dumps({"api": api_port, "control": control_port}), flush=True)
    # The parent's end of our input closes when it dies.
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="seconds of the bot per second of the clock")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.scale))
