"""Create chat links, approvals, credentials and sealed personal data."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn

#: An account and an address belong to one person at a time; what has ended does not count.
PARTIAL = {
    "chat_links_in_use": "CREATE UNIQUE INDEX chat_links_in_use ON chat_links (platform, identity_digest) "
    "WHERE revoked_at IS NULL",
    "personal_email_in_use": "CREATE UNIQUE INDEX personal_email_in_use ON personal_data (workspace_id, digest) "
    "WHERE kind = 'email'",
    "approvals_open": "CREATE INDEX approvals_open ON approvals (expires_at) "
    "WHERE state IN ('PENDING', 'WAITING', 'APPROVED')",
}


class Migration(migrations.Migration):
    """Create chat links, approvals, credentials and sealed personal data."""

    dependencies = [("models", "0008_order_path")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="ChatLinkRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("platform", TextColumn()),
                ("identity_digest", TextColumn()),
                ("verified_at", MomentColumn()),
                ("revoked_at", MomentColumn(null=True)),
            ],
            options={
                "table": "chat_links",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "user_id"], name="chat_links_by_user_id")],
                "pk_attr": "id",
                "table_description": "An account at a chat platform, found by a digest, the account itself is personal data.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LinkCodeRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("code_hash", TextColumn()),
                ("created_at", MomentColumn()),
                ("expires_at", MomentColumn()),
                ("used_at", MomentColumn(null=True)),
            ],
            options={
                "table": "link_codes",
                "app": "models",
                "unique_together": (("code_hash",),),
                "indexes": [Index(fields=["workspace_id", "user_id"], name="link_codes_by_user_id")],
                "pk_attr": "id",
                "table_description": "A one-time code that links a chat account, used once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApprovalRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("code", TextColumn()),
                ("command", TextColumn()),
                ("command_hash", TextColumn()),
                ("arguments", TextColumn()),
                ("detail", JsonColumn()),
                ("preview_code", TextColumn()),
                ("preview_params", JsonColumn()),
                ("state", TextColumn()),
                ("is_solo", fields.BooleanField()),
                ("requested_by", TextColumn()),
                ("requester_name", TextColumn()),
                ("channel", TextColumn()),
                ("requested_at", MomentColumn()),
                ("expires_at", MomentColumn()),
                ("execute_at", MomentColumn(null=True)),
                ("decided_by", TextColumn()),
                ("decider_id", TextColumn()),
                ("decided_at", MomentColumn(null=True)),
                ("outcome", TextColumn()),
            ],
            options={
                "table": "approvals",
                "app": "models",
                "unique_together": (("workspace_id", "code"),),
                "indexes": [
                    Index(fields=["workspace_id", "requested_at", "id"], name="approvals_by_requested_at_id")
                ],
                "pk_attr": "id",
                "table_description": "A command that waits for a second person or for a delay.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CredentialRow",
            fields=[
                ("user_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("password_hash", TextColumn()),
                ("totp_sealed", TextColumn()),
                ("totp_draft_sealed", TextColumn()),
                ("totp_step", fields.BigIntField()),
                ("changed_at", MomentColumn()),
            ],
            options={
                "table": "credentials",
                "app": "models",
                "pk_attr": "user_id",
                "table_description": "How a person proves who they are, the second factor is sealed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StepUpRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("session", TextColumn()),
                ("until", MomentColumn()),
            ],
            options={
                "table": "step_ups",
                "app": "models",
                "unique_together": (("workspace_id", "user_id", "session"),),
                "pk_attr": "id",
                "table_description": "A fresh proof of who asks, at one door or in one session.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ThrottleRow",
            fields=[
                ("key", TextColumn(primary_key=True)),
                ("failures", fields.BigIntField()),
                ("blocked_until", MomentColumn(null=True)),
                ("failed_at", MomentColumn()),
            ],
            options={
                "table": "throttles",
                "app": "models",
                "pk_attr": "key",
                "table_description": "Failures in a row of one account, address or caller, by digest.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PersonKeyRow",
            fields=[
                ("user_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("sealed_key", TextColumn()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "person_keys",
                "app": "models",
                "pk_attr": "user_id",
                "table_description": "A person's key, itself sealed with the key file's, gone after erasure.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PersonalDataRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("kind", TextColumn()),
                ("digest", TextColumn()),
                ("sealed", TextColumn()),
            ],
            options={
                "table": "personal_data",
                "app": "models",
                "unique_together": (("user_id", "kind"),),
                "pk_attr": "id",
                "table_description": "One fact about a person, sealed, the only table that holds any.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(list(PARTIAL.values()), [f"DROP INDEX {name}" for name in PARTIAL]),
    ]
