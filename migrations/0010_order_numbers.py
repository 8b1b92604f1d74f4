"""Count the orders of an account that no engine numbered."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from desk.store.fields import TextColumn


class Migration(migrations.Migration):
    """Count the orders of an account that no engine numbered."""

    dependencies = [("models", "0009_people_and_approvals")]  # noqa: RUF012

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="OrderNumberRow",
            fields=[
                ("account_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("number", fields.BigIntField()),
            ],
            options={
                "table": "order_numbers",
                "app": "models",
                "pk_attr": "account_id",
                "table_description": (
                    "Counts the orders of an account that no engine numbered: by hand, protection at a venue."
                ),
            },
            bases=["Model"],
        ),
    ]
