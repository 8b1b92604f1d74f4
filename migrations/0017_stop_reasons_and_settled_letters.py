"""Keep why a stop stands where it does, and what people decided about dead letters."""

from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops

from desk.store.fields import MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Add the reason of a stop, and who settled a dead letter, when."""

    dependencies = [("models", "0016_news")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.AddField(model_name="ProtectionRow", name="stop_reason", field=TextColumn(null=True)),
        ops.AddField(model_name="DeadLetterRow", name="discarded_at", field=MomentColumn(null=True)),
        ops.AddField(model_name="DeadLetterRow", name="settled_by", field=TextColumn(null=True)),
    ]
