"""What stands on the stand-in of Discord: channels, messages, interactions, and how each looks on the wire."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

APP = "9000000000000000001"
GUILD = "9000000000000000002"
ROOM = "9000000000000000003"
TOKEN = "stand-in.token"

_EPOCH_MS = 1_420_070_400_000
_count = itertools.count(1)

#: Seconds within which an interaction must be answered, and for which its token lives.
ANSWER_S, TOKEN_S = 3.0, 900.0


def snowflake() -> str:
    """Give an id that tells the present time, as Discord's do."""
    return str(((int(time.time() * 1000) - _EPOCH_MS) << 22) + next(_count) % 4_194_304)


def user_payload(user_id: str, name: str = "") -> dict[str, Any]:
    """Give a user."""
    return {
        "id": user_id,
        "username": name or f"user{user_id[-4:]}",
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
        "bot": user_id == APP,
    }


def channel_payload(channel_id: str, kind: int = 0, name: str = "desk", parent: str = "") -> dict[str, Any]:
    """Give a channel of a server (0), a conversation (1) or a thread (11)."""
    found: dict[str, Any] = {"id": channel_id, "type": kind, "name": name}
    if kind == 1:
        return {"id": channel_id, "type": 1, "recipients": [user_payload(name)]}
    found |= {
        "guild_id": GUILD,
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": parent or None,
    }
    if kind == 11:
        found |= {
            "owner_id": APP,
            "message_count": 0,
            "member_count": 1,
            "rate_limit_per_user": 0,
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": 10080,
                "archive_timestamp": "2026-01-01T00:00:00+00:00",
                "locked": False,
            },
        }
    return found


def guild_payload() -> dict[str, Any]:
    """Give the server that everybody is on."""
    return {
        "id": GUILD,
        "name": "desk",
        "owner_id": "1",
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [
            {
                "id": GUILD,
                "name": "@everyone",
                "color": 0,
                "hoist": False,
                "position": 0,
                "permissions": "1071698660929",
                "managed": False,
                "mentionable": False,
                "flags": 0,
            }
        ],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "stickers": [],
        "channels": [channel_payload(ROOM)],
        "threads": [],
        "members": [],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "member_count": 2,
        "large": False,
        "unavailable": False,
        "joined_at": "2026-01-01T00:00:00+00:00",
    }


def ready_payload(base: str) -> dict[str, Any]:
    """Give what a client learns first."""
    return {
        "v": 10,
        "user": user_payload(APP, "breakwater"),
        "guilds": [{"id": GUILD, "unavailable": True}],
        "resume_gateway_url": base,
        "application": {"id": APP, "flags": 0},
    }


@dataclass(slots=True)
class Message:
    """A message as stored."""

    id: str
    channel_id: str
    body: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    is_ephemeral: bool = False
    is_loading: bool = False
    is_pinned: bool = False
    is_deleted: bool = False
    edits: int = 0
    #: When it was first shown whole, in seconds of this machine.
    at: float = field(default_factory=time.monotonic)

    def payload(self) -> dict[str, Any]:
        """Give it as a client sees it."""
        attachments = [
            {
                "id": str(number),
                "filename": name,
                "size": len(data),
                "url": f"http://cdn.invalid/{self.id}/{name}",
                "proxy_url": f"http://cdn.invalid/{self.id}/{name}",
            }
            for number, (name, data) in enumerate(self.files.items(), 1)
        ]
        reference = self.body.get("message_reference")
        return {
            **({"message_reference": reference} if reference else {}),
            "id": self.id,
            "channel_id": self.channel_id,
            "author": user_payload(APP, "breakwater"),
            "content": self.body.get("content") or "",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": attachments,
            "embeds": self.body.get("embeds") or [],
            "components": self.body.get("components") or [],
            "pinned": self.is_pinned,
            "type": 0,
            "flags": (64 if self.is_ephemeral else 0) | (128 if self.is_loading else 0),
            "nonce": self.body.get("nonce"),
        }

    def shown(self) -> dict[str, Any]:
        """Give it as tests look at it."""
        return {
            **self.payload(),
            "files": {name: len(data) for name, data in self.files.items()},
            "is_ephemeral": self.is_ephemeral,
            "is_loading": self.is_loading,
            "is_deleted": self.is_deleted,
            "silent": bool(int(self.body.get("flags") or 0) & 4096),
            "edits": self.edits,
            "at": self.at,
        }


@dataclass(slots=True)
class Interaction:
    """Something that a person did, and how it was answered."""

    id: str
    token: str
    kind: int
    channel_id: str
    source_id: str = ""
    began: float = field(default_factory=time.monotonic)
    aged_s: float = 0.0
    answer: int | None = None
    answered_after_s: float | None = None
    message_id: str = ""
    followups: list[str] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] | None = None
    #: Whether somebody who waits has been shown something whole.
    is_settled: bool = False

    @property
    def age_s(self) -> float:
        """How old Discord takes it for."""
        return time.monotonic() - self.began + self.aged_s
