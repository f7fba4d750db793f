"""The first tables."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BlockTimeRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("genesis", models.CharField(max_length=64)),
                ("height", models.PositiveIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("median_time", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["genesis", "median_time"], name="statement_b_genesis_96aec8_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("genesis", "hash"), name="one_time_a_block")
                ],
            },
        ),
        migrations.CreateModel(
            name="OfficeRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=64, unique=True)),
                ("name", models.JSONField()),
                ("own", models.BooleanField()),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("notice", models.TextField(blank=True)),
                ("network", models.CharField(max_length=32)),
                ("genesis", models.CharField(max_length=64)),
                ("test", models.BooleanField()),
            ],
            options={
                "ordering": ("-own", "slug"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("own", True)), fields=("own",), name="one_own_office"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("root", models.CharField(max_length=64, unique=True)),
                ("raw", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("file_name", models.CharField(max_length=128)),
                ("after_height", models.PositiveIntegerField()),
                ("after_hash", models.CharField(max_length=64)),
                ("after_mtp", models.DateTimeField()),
                ("until_height", models.PositiveIntegerField()),
                ("until_hash", models.CharField(max_length=64)),
                ("until_mtp", models.DateTimeField()),
                ("timezone", models.CharField(max_length=64)),
                ("previous", models.CharField(blank=True, max_length=64)),
                ("supersedes", models.CharField(blank=True, max_length=64)),
                ("signed_at", models.DateTimeField(null=True)),
                ("headline", models.CharField(blank=True, max_length=80)),
                ("watched", models.CharField(blank=True, max_length=80)),
                ("verdicts", models.JSONField(default=dict)),
                ("book", models.JSONField(default=list)),
                ("exclusions", models.JSONField(default=list)),
                ("opinions", models.JSONField(default=list)),
                ("part_count", models.PositiveIntegerField()),
                ("withheld_count", models.PositiveIntegerField()),
                (
                    "office",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="statements",
                        to="statement.officerow",
                    ),
                ),
            ],
            options={
                "ordering": ("-until_height", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="ReportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("source", models.CharField(max_length=16)),
                ("checked_at", models.DateTimeField()),
                ("exit_status", models.SmallIntegerField()),
                ("document", models.JSONField()),
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="report",
                        to="statement.statementrow",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FileRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("identity", "Identity"),
                            ("valuation", "Valuation"),
                            ("prices", "Prices"),
                            ("documents", "Documents"),
                            ("memorandum", "Memorandum"),
                            ("statistics", "Statistics"),
                            ("control", "Control"),
                            ("mining", "Mining"),
                            ("report", "Report"),
                            ("provider", "Provider"),
                            ("feed", "Feed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("path", models.CharField(max_length=256)),
                ("raw", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "office",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="statement.officerow",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("path",),
                "constraints": [
                    models.UniqueConstraint(fields=("office", "path"), name="one_file_a_path")
                ],
            },
        ),
    ]
