"""The first tables."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="PaperRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="ProposalRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("open", "Open"),
                            ("refused", "Refused"),
                            ("confirmed", "Confirmed"),
                            ("declined", "Declined"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("table", models.CharField(max_length=16)),
                ("rows", models.JSONField()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("base", models.CharField(blank=True, max_length=64)),
                ("effect", models.JSONField(default=dict)),
                ("problems", models.JSONField(default=list)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("ended_by", models.CharField(blank=True, max_length=64)),
                ("ended_at", models.DateTimeField(null=True)),
                ("word", models.TextField(blank=True)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="ReadingRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("height", models.PositiveBigIntegerField()),
                ("block_hash", models.CharField(max_length=64)),
                ("files", models.CharField(max_length=64)),
                ("findings", models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name="PostingRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("height", models.PositiveBigIntegerField()),
                ("position", models.PositiveIntegerField()),
                ("time", models.DateTimeField()),
                ("txid", models.CharField(max_length=64)),
                ("wallet", models.CharField(max_length=64)),
                ("coinbase", models.BooleanField()),
                ("amount", models.BigIntegerField()),
                ("reason", models.CharField(max_length=32)),
                ("rule", models.CharField(max_length=4)),
                ("document", models.CharField(blank=True, max_length=64)),
                ("counterpart", models.CharField(blank=True, max_length=64)),
                ("addresses", models.JSONField(default=list)),
                ("candidates", models.JSONField(default=list)),
                ("unexplained", models.BooleanField()),
            ],
            options={
                "ordering": ("-unexplained", "-position"),
                "indexes": [models.Index(fields=["txid", "wallet"], name="posting_of_transaction")],
            },
        ),
        migrations.CreateModel(
            name="ConfirmationRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="confirmations",
                        to="reconciliation.proposalrow",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("proposal", "person", "digest"), name="one_confirmation_a_person"
                    )
                ],
            },
        ),
    ]
