"""Create entries that people have a say in, and let finished trades be archived."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class Migration(migrations.Migration):
    """Create entries that people have a say in, and let finished trades be archived."""

    dependencies = [("models", "0013_exchange_keys")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="MarketDirectionRow",
            fields=[
                ("account_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("direction", TextColumn()),
                ("set_by", TextColumn()),
                ("set_at", MomentColumn()),
            ],
            options={
                "table": "market_directions",
                "app": "models",
                "pk_attr": "account_id",
                "table_description": "Which way people see the market of an account.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BotWishRow",
            fields=[
                ("bot_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("is_asked", fields.BooleanField()),
                ("window_s", fields.BigIntField()),
                ("drift_ratio", MoneyColumn()),
                ("config_version", fields.BigIntField()),
                ("set_by", TextColumn()),
                ("set_at", MomentColumn()),
            ],
            options={
                "table": "bot_wishes",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "account_id"], name="bot_wishes_by_account_id")],
                "pk_attr": "bot_id",
                "table_description": "What people want of a bot beside its state.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EntryRequestRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("bot_id", TextColumn()),
                ("pair", TextColumn()),
                ("code", TextColumn()),
                ("signal_id", TextColumn()),
                ("is_long", fields.BooleanField()),
                ("tag", TextColumn()),
                ("price", MoneyColumn()),
                ("stop", MoneyColumn(null=True)),
                ("targets", JsonColumn()),
                ("quantity", MoneyColumn()),
                ("plan", JsonColumn()),
                ("state", TextColumn()),
                ("drift_ratio", MoneyColumn()),
                ("asked_at", MomentColumn()),
                ("expires_at", MomentColumn()),
                ("share", MoneyColumn()),
                ("decided_by", TextColumn()),
                ("decided_at", MomentColumn(null=True)),
                ("outcome", TextColumn()),
            ],
            options={
                "table": "entry_requests",
                "app": "models",
                "unique_together": (("workspace_id", "code"),),
                "indexes": [
                    Index(
                        fields=["workspace_id", "state", "asked_at"], name="entry_requests_by_state_asked_at"
                    )
                ],
                "pk_attr": "id",
                "table_description": "An entry that waits for a person.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ArchivedTradeRow",
            fields=[
                ("trade_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("archived_by", TextColumn()),
                ("archived_at", MomentColumn()),
            ],
            options={
                "table": "archived_trades",
                "app": "models",
                "pk_attr": "trade_id",
                "table_description": "A trade that lists and statistics leave out.",
            },
            bases=["Model"],
        ),
    ]
