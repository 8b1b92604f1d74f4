"""Add what models cannot say: partial unique keys, working sets, and tables that only grow.

The same SQL on both databases wherever it can be; triggers differ and look at the dialect.
"""

from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

#: Tables where a row, once written, stays as it is.
APPEND_ONLY = ("audit", "order_events")

PARTIAL = {
    "bots_name_in_use": "CREATE UNIQUE INDEX bots_name_in_use ON bots (workspace_id, name) WHERE archived_at IS NULL",
    "users_email_in_use": "CREATE UNIQUE INDEX users_email_in_use ON users (workspace_id, email) WHERE email <> ''",
    "positions_open": "CREATE INDEX positions_open ON positions (workspace_id, account_id) WHERE closed_at IS NULL",
    "orders_unsettled": (
        "CREATE INDEX orders_unsettled ON orders (workspace_id, account_id) WHERE state IN "
        "('intent', 'claimed', 'accepted', 'partial', 'unknown', 'cancel_pending')"
    ),
}


class ForbidChanges(ops.RunSQL):
    """Triggers that refuse UPDATE and DELETE on the tables that only grow."""

    def __init__(self) -> None:
        super().__init__([], [])

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Create the triggers of the dialect."""
        if state_editor is None:
            return
        if state_editor.client.capabilities.dialect == "postgres":
            await _run(
                state_editor,
                "CREATE FUNCTION breakwater_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
                "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
            )
            statements = [
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION breakwater_append_only()"
                for table in APPEND_ONLY
            ]
        else:
            statements = [
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                for table in APPEND_ONLY
                for verb in ("UPDATE", "DELETE")
            ]
        await _run(state_editor, *statements)

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Drop the triggers of the dialect."""
        if state_editor is None:
            return
        if state_editor.client.capabilities.dialect == "postgres":
            statements = [f"DROP TRIGGER {table}_append_only ON {table}" for table in APPEND_ONLY]
            statements.append("DROP FUNCTION breakwater_append_only()")
        else:
            statements = [
                f"DROP TRIGGER {table}_no_{verb}" for table in APPEND_ONLY for verb in ("update", "delete")
            ]
        await _run(state_editor, *statements)


async def _run(state_editor: BaseSchemaEditor, *statements: str) -> None:
    """Run whole statements: the editor would cut a trigger of SQLite at its inner semicolons."""
    for statement in statements:
        if state_editor.collect_sql:
            state_editor.collected_sql.append(statement)
        else:
            await state_editor.client.execute_query(statement)


class Migration(migrations.Migration):
    """Add what models cannot say."""

    dependencies = [("models", "0003_facts_alerts_and_guards")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        # One operation: Tortoise copies the whole state before and after each.
        ops.RunSQL(list(PARTIAL.values()), [f"DROP INDEX {name}" for name in PARTIAL]),
        ForbidChanges(),
    ]
