"""A line of writings knows what fell with it; the database fills it in for processes that do not know of it yet."""

from django.db import migrations, models
from django.db.models import Value


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_memories"),
    ]

    operations = [
        migrations.AddField(
            model_name="turn",
            name="took_along",
            field=models.JSONField(db_default=Value([], models.JSONField()), default=list),
        ),
    ]
