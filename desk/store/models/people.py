"""Workspaces, people, roles, tokens and the install itself."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import MomentColumn, TextColumn


class InstallRow(Model):
    """This database: its id and how often it was restored."""

    id = TextColumn(primary_key=True)
    restore_epoch = fields.BigIntField()
    created_at = MomentColumn()

    class Meta:
        table = "installs"


class WorkspaceRow(Model):
    """A group of people with their accounts and bots."""

    id = TextColumn(primary_key=True)
    name = TextColumn()
    created_at = MomentColumn()

    class Meta:
        table = "workspaces"
        unique_together = (("name",),)


class UserRow(Model):
    """Personal data of a person, the only table that holds any."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    email = TextColumn()
    language = TextColumn()
    time_zone = TextColumn()
    created_at = MomentColumn()

    class Meta:
        table = "users"
        indexes = (Index(fields=["workspace_id", "email"], name="users_by_email"),)


class MemberRow(Model):
    """A person's place in a workspace."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    name = TextColumn()
    role = fields.SmallIntField()
    created_at = MomentColumn()

    class Meta:
        table = "members"
        unique_together = (
            ("workspace_id", "user_id"),
            ("workspace_id", "name"),
        )


class TokenRow(Model):
    """An API token, only the SHA-256 of its secret is kept."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    label = TextColumn()
    role = fields.SmallIntField()
    secret_hash = TextColumn()
    created_at = MomentColumn()
    expires_at = MomentColumn(null=True)
    revoked_at = MomentColumn(null=True)

    class Meta:
        table = "tokens"
        unique_together = (("secret_hash",),)
        indexes = (Index(fields=["workspace_id", "created_at"], name="tokens_by_created_at"),)
