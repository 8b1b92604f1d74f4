"""Create what chat doors remember."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create what chat doors remember."""

    dependencies = [("models", "0006_alerts_that_wait")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="ChatButtonRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("token_hash", TextColumn()),
                ("platform", TextColumn()),
                ("chat_id", TextColumn()),
                ("user_id", TextColumn()),
                ("kind", TextColumn()),
                ("line", TextColumn()),
                ("payload", JsonColumn()),
                ("seal", TextColumn()),
                ("is_single", fields.BooleanField()),
                ("expires_at", MomentColumn()),
                ("used_at", MomentColumn(null=True)),
                ("used_by", TextColumn()),
            ],
            options={
                "table": "chat_buttons",
                "app": "models",
                "unique_together": (("token_hash",),),
                "indexes": [
                    Index(fields=["expires_at"], name="chat_buttons_by_expires_at"),
                    Index(fields=["platform", "chat_id", "user_id", "kind"], name="chat_buttons_by_person"),
                ],
                "pk_attr": "id",
                "table_description": "A button under a message, by the SHA-256 of its token.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ChatPlaceRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("platform", TextColumn()),
                ("chat_id", TextColumn()),
                ("kind", TextColumn()),
                ("bot", TextColumn()),
                ("language", TextColumn()),
                ("known_at", MomentColumn()),
            ],
            options={
                "table": "chat_places",
                "app": "models",
                "unique_together": (("platform", "chat_id"),),
                "pk_attr": "id",
                "table_description": "A chat that the house knows, with what was chosen there.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ChatReplyRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("source", TextColumn()),
                ("chat_id", TextColumn()),
                ("dedupe_key", TextColumn()),
                ("payload", JsonColumn()),
                ("queued_at", MomentColumn()),
                ("attempts", fields.BigIntField()),
                ("is_doubtful", fields.BooleanField()),
            ],
            options={
                "table": "chat_replies",
                "app": "models",
                "unique_together": (("dedupe_key",),),
                "indexes": [Index(fields=["source", "id"], name="chat_replies_by_source_id")],
                "pk_attr": "id",
                "table_description": "A reply that must still reach its chat.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ChatUpdateRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("source", TextColumn()),
                ("message_id", TextColumn()),
                ("chat_id", TextColumn()),
                ("user_id", TextColumn()),
                ("payload", JsonColumn()),
                ("received_at", MomentColumn()),
                ("attempts", fields.BigIntField()),
            ],
            options={
                "table": "chat_updates",
                "app": "models",
                "unique_together": (("source", "message_id"),),
                "pk_attr": "id",
                "table_description": "A message that came in and waits for its answer, the inbox remembers that it came.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LivingMessageRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("platform", TextColumn()),
                ("chat_id", TextColumn()),
                ("subject", TextColumn()),
                ("thread_id", TextColumn()),
                ("user_id", TextColumn()),
                ("message_id", TextColumn()),
                ("line", TextColumn()),
                ("content_hash", TextColumn()),
                ("updated_at", MomentColumn()),
            ],
            options={
                "table": "chat_living",
                "app": "models",
                "unique_together": (("platform", "chat_id", "subject"),),
                "pk_attr": "id",
                "table_description": "A message that is kept up to date by edits, one per chat and subject.",
            },
            bases=["Model"],
        ),
    ]
