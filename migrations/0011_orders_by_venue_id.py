"""Find orders by the id that the venue gave them: some venues show no other on a trade."""

from __future__ import annotations

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Find orders by the id that the venue gave them."""

    dependencies = [("models", "0010_order_numbers")]  # noqa: RUF012

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.AddIndex(
            model_name="OrderRow",
            index=Index(fields=["account_id", "venue_order_id"], name="orders_by_account_id_venue_order_id"),
        ),
    ]
