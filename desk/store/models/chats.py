"""What chat doors remember: messages in and out, buttons, places, living messages."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class ChatUpdateRow(Model):
    """A message that came in and waits for its answer, the inbox remembers that it came."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    source = TextColumn()
    message_id = TextColumn()
    chat_id = TextColumn()
    user_id = TextColumn()
    payload = JsonColumn()
    received_at = MomentColumn()
    attempts = fields.BigIntField()

    class Meta:
        table = "chat_updates"
        unique_together = (("source", "message_id"),)


class ChatReplyRow(Model):
    """A reply that must still reach its chat."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    source = TextColumn()
    chat_id = TextColumn()
    dedupe_key = TextColumn()
    payload = JsonColumn()
    queued_at = MomentColumn()
    attempts = fields.BigIntField()
    is_doubtful = fields.BooleanField()

    class Meta:
        table = "chat_replies"
        unique_together = (("dedupe_key",),)
        indexes = (Index(fields=["source", "id"], name="chat_replies_by_source_id"),)


class ChatButtonRow(Model):
    """A button under a message, by the SHA-256 of its token."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    token_hash = TextColumn()
    platform = TextColumn()
    chat_id = TextColumn()
    user_id = TextColumn()
    kind = TextColumn()
    line = TextColumn()
    payload = JsonColumn()
    seal = TextColumn()
    is_single = fields.BooleanField()
    expires_at = MomentColumn()
    used_at = MomentColumn(null=True)
    used_by = TextColumn()

    class Meta:
        table = "chat_buttons"
        unique_together = (("token_hash",),)
        indexes = (
            Index(fields=["expires_at"], name="chat_buttons_by_expires_at"),
            Index(fields=["platform", "chat_id", "user_id", "kind"], name="chat_buttons_by_person"),
        )


class ChatPlaceRow(Model):
    """A chat that the house knows, with what was chosen there."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    platform = TextColumn()
    chat_id = TextColumn()
    kind = TextColumn()
    bot = TextColumn()
    language = TextColumn()
    known_at = MomentColumn()

    class Meta:
        table = "chat_places"
        unique_together = (("platform", "chat_id"),)


class LivingMessageRow(Model):
    """A message that is kept up to date by edits, one per chat and subject."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    platform = TextColumn()
    chat_id = TextColumn()
    subject = TextColumn()
    thread_id = TextColumn()
    user_id = TextColumn()
    message_id = TextColumn()
    line = TextColumn()
    content_hash = TextColumn()
    updated_at = MomentColumn()

    class Meta:
        table = "chat_living"
        unique_together = (("platform", "chat_id", "subject"),)
