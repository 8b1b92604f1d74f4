"""Create workspaces, people, accounts and bots."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class Migration(migrations.Migration):
    """Create workspaces, people, accounts and bots."""

    initial = True
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="InstallRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("restore_epoch", fields.BigIntField()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "installs",
                "app": "models",
                "pk_attr": "id",
                "table_description": "This database: its id and how often it was restored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WorkspaceRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("name", TextColumn()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "workspaces",
                "app": "models",
                "unique_together": (("name",),),
                "pk_attr": "id",
                "table_description": "A group of people with their accounts and bots.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UserRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("email", TextColumn()),
                ("language", TextColumn()),
                ("time_zone", TextColumn()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "users",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "email"], name="users_by_email")],
                "pk_attr": "id",
                "table_description": "Personal data of a person, the only table that holds any.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MemberRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("name", TextColumn()),
                ("role", fields.SmallIntField()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "members",
                "app": "models",
                "unique_together": (("workspace_id", "user_id"), ("workspace_id", "name")),
                "pk_attr": "id",
                "table_description": "A person's place in a workspace.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TokenRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("label", TextColumn()),
                ("role", fields.SmallIntField()),
                ("secret_hash", TextColumn()),
                ("created_at", MomentColumn()),
                ("expires_at", MomentColumn(null=True, generated=False, unique=False)),
                ("revoked_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "tokens",
                "app": "models",
                "unique_together": (("secret_hash",),),
                "indexes": [Index(fields=["workspace_id", "created_at"], name="tokens_by_created_at")],
                "pk_attr": "id",
                "table_description": "An API token, only the SHA-256 of its secret is kept.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccountRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("name", TextColumn()),
                ("venue", TextColumn()),
                ("is_live", fields.BooleanField()),
                ("currency", TextColumn()),
                ("capital", MoneyColumn()),
                ("trading_state", TextColumn()),
                ("state_reason", TextColumn()),
                ("settings", JsonColumn()),
                ("version", fields.BigIntField()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "accounts",
                "app": "models",
                "unique_together": (("workspace_id", "name"),),
                "pk_attr": "id",
                "table_description": "Money at one venue.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccountStatusRow",
            fields=[
                ("account_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("as_of", MomentColumn()),
                ("cash", MoneyColumn()),
                ("equity", MoneyColumn()),
                ("peak_equity", MoneyColumn()),
                ("day_start_equity", MoneyColumn()),
                ("drawdown", fields.FloatField()),
                ("day_change", fields.FloatField()),
                ("open_positions", fields.BigIntField()),
                ("max_positions", fields.BigIntField()),
                ("open_risk", MoneyColumn()),
                ("trading_state", TextColumn()),
            ],
            options={
                "table": "account_status",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "account_id"], name="account_status_by_account_id")
                ],
                "pk_attr": "account_id",
                "table_description": "An account as of its last closed bar.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EquityPointRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("at", MomentColumn()),
                ("equity", MoneyColumn()),
            ],
            options={
                "table": "equity_points",
                "app": "models",
                "unique_together": (("account_id", "at"),),
                "pk_attr": "id",
                "table_description": "Equity at the close of a bar.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccountSnapshotRow",
            fields=[
                ("account_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("bar_ms", fields.BigIntField()),
                ("data", fields.BinaryField()),
                ("saved_at", MomentColumn()),
            ],
            options={
                "table": "account_snapshots",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "account_id"], name="account_snapshots_by_account_id")
                ],
                "pk_attr": "account_id",
                "table_description": "Engine state, it only makes a start faster.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LockRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("pair", TextColumn()),
                ("until", MomentColumn()),
                ("reason", TextColumn()),
                ("actor", TextColumn()),
                ("released_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "locks",
                "app": "models",
                "indexes": [Index(fields=["account_id", "until"], name="locks_by_account_id_until")],
                "pk_attr": "id",
                "table_description": "Entries refused for a pair until a time.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BotRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("name", TextColumn()),
                ("strategy", TextColumn()),
                ("pairs", JsonColumn()),
                ("timeframe", TextColumn()),
                ("parameters", JsonColumn()),
                ("allocation", fields.FloatField()),
                ("desired", TextColumn()),
                ("condition", TextColumn()),
                ("condition_reason", TextColumn()),
                ("resume_at", MomentColumn(null=True, generated=False, unique=False)),
                ("last_bar_at", MomentColumn(null=True, generated=False, unique=False)),
                ("version", fields.BigIntField()),
                ("config_version", fields.BigIntField()),
                ("is_live", fields.BooleanField()),
                ("created_at", MomentColumn()),
                ("archived_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "bots",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "created_at"], name="bots_by_created_at"),
                    Index(fields=["account_id"], name="bots_by_account_id"),
                ],
                "pk_attr": "id",
                "table_description": "A strategy with pairs, parameters and an allocation. Its account holds the trading state.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BotPhaseRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("bot_id", TextColumn()),
                ("pair", TextColumn()),
                ("phase", TextColumn()),
                ("since", MomentColumn()),
            ],
            options={
                "table": "bot_phases",
                "app": "models",
                "unique_together": (("bot_id", "pair"),),
                "pk_attr": "id",
                "table_description": "Where a bot stands with one pair.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StateChangeRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("at", MomentColumn()),
                ("bot_id", TextColumn()),
                ("axis", TextColumn()),
                ("pair", TextColumn()),
                ("before", TextColumn()),
                ("after", TextColumn()),
                ("cause", TextColumn()),
                ("actor", TextColumn()),
            ],
            options={
                "table": "bot_state_history",
                "app": "models",
                "indexes": [
                    Index(
                        fields=["workspace_id", "bot_id", "at", "id"],
                        name="bot_state_history_by_bot_id_at_id",
                    )
                ],
                "pk_attr": "id",
                "table_description": "A move of one of the four axes, with its cause.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConfigVersionRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("bot_id", TextColumn()),
                ("version", fields.BigIntField()),
                ("parameters", JsonColumn()),
                ("author", TextColumn()),
                ("reason", TextColumn()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "config_versions",
                "app": "models",
                "unique_together": (("bot_id", "version"),),
                "pk_attr": "id",
                "table_description": "An immutable configuration of a bot.",
            },
            bases=["Model"],
        ),
    ]
