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
            name="CoverageReportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=64)),
                ("source", models.CharField(max_length=16)),
                ("checked_at", models.DateTimeField()),
                ("exit_status", models.SmallIntegerField()),
                ("checks", models.JSONField()),
                ("failed", models.TextField(blank=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sha256", "fingerprint"), name="one_report_a_file"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.CharField(max_length=64)),
                ("name", models.JSONField()),
                ("licence", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "office",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="providers",
                        to="statement.officerow",
                    ),
                ),
            ],
            options={
                "ordering": ("office", "slug"),
            },
        ),
        migrations.CreateModel(
            name="EpochRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("epoch", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("folder", models.CharField(max_length=128)),
                ("block_height", models.PositiveIntegerField()),
                ("block_hash", models.CharField(max_length=64)),
                ("trees", models.JSONField()),
                ("rejected", models.CharField(blank=True, max_length=32)),
                ("why", models.TextField(blank=True)),
                ("block_time", models.DateTimeField(null=True)),
                ("coverage", models.JSONField(default=list)),
                ("coverage_sha256", models.CharField(blank=True, max_length=64)),
                ("recomputed", models.JSONField(null=True)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="epochs",
                        to="supervision.providerrow",
                    ),
                ),
            ],
            options={
                "ordering": ("provider", "-epoch"),
            },
        ),
        migrations.AddConstraint(
            model_name="providerrow",
            constraint=models.UniqueConstraint(
                fields=("office", "slug"), name="one_provider_a_slug"
            ),
        ),
        migrations.AddConstraint(
            model_name="epochrow",
            constraint=models.UniqueConstraint(
                fields=("provider", "folder"), name="one_epoch_a_folder"
            ),
        ),
    ]
