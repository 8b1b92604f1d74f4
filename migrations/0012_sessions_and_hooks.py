"""Create sign-ins, invitations, what tokens may do, and hooks."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create sign-ins, invitations, what tokens may do, and hooks."""

    dependencies = [("models", "0011_orders_by_venue_id")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="SessionRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("created_at", MomentColumn()),
                ("used_at", MomentColumn()),
                ("expires_at", MomentColumn()),
                ("revoked_at", MomentColumn(null=True)),
                ("end_reason", TextColumn()),
            ],
            options={
                "table": "sessions",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "user_id"], name="sessions_by_user_id")],
                "pk_attr": "id",
                "table_description": "A sign-in: the family of refresh tokens that came from it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefreshTokenRow",
            fields=[
                ("token_hash", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("session_id", TextColumn()),
                ("issued_at", MomentColumn()),
                ("used_at", MomentColumn(null=True)),
            ],
            options={
                "table": "refresh_tokens",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "session_id"], name="refresh_tokens_by_session_id")
                ],
                "pk_attr": "token_hash",
                "table_description": "A refresh token by its digest, used once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InvitationRow",
            fields=[
                ("code_hash", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("created_at", MomentColumn()),
                ("expires_at", MomentColumn()),
                ("used_at", MomentColumn(null=True)),
            ],
            options={
                "table": "invitations",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "user_id"], name="invitations_by_user_id")],
                "pk_attr": "code_hash",
                "table_description": "A one-time code with which a person chooses a password, used once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TokenFactRow",
            fields=[
                ("token_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("prefix", TextColumn()),
                ("scopes", JsonColumn()),
                ("last_used_at", MomentColumn(null=True)),
            ],
            options={
                "table": "token_facts",
                "app": "models",
                "pk_attr": "token_id",
                "table_description": "What an API token may do, how it begins, and when it was last used.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("label", TextColumn()),
                ("kind", TextColumn()),
                ("bot_id", TextColumn()),
                ("pairs", JsonColumn()),
                ("allow_list", JsonColumn()),
                ("path_hash", TextColumn()),
                ("path_ending", TextColumn()),
                ("secret_sealed", TextColumn()),
                ("created_by", TextColumn()),
                ("created_at", MomentColumn()),
                ("rotated_at", MomentColumn(null=True)),
                ("deleted_at", MomentColumn(null=True)),
                ("last_seen_at", MomentColumn(null=True)),
                ("accepted", fields.BigIntField()),
                ("rejected", fields.BigIntField()),
            ],
            options={
                "table": "webhooks",
                "app": "models",
                "unique_together": (("path_hash",),),
                "indexes": [Index(fields=["workspace_id", "created_at"], name="webhooks_by_created_at")],
                "pk_attr": "id",
                "table_description": "A way in for signals, found by the digest of its path.",
            },
            bases=["Model"],
        ),
    ]
