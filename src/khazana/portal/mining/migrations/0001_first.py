"""The first tables."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("statement", "0001_first"),
    ]

    operations = [
        migrations.CreateModel(
            name="SiteRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("site", models.CharField(max_length=64)),
                ("position", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mining_sites",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("position",),
                "constraints": [
                    models.UniqueConstraint(fields=("statement", "site"), name="one_row_a_site")
                ],
            },
        ),
    ]
