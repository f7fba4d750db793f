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
            name="FeedRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("folder", models.CharField(max_length=128)),
                ("slug", models.CharField(max_length=64)),
                ("name", models.JSONField()),
                ("fingerprint", models.CharField(max_length=64)),
                ("known", models.BooleanField()),
                ("size", models.PositiveBigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("cosigned", models.JSONField(default=list)),
                ("stamped", models.JSONField(default=list)),
                (
                    "office",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feeds",
                        to="statement.officerow",
                    ),
                ),
            ],
            options={
                "ordering": ("office", "folder"),
            },
        ),
        migrations.CreateModel(
            name="LogEntryRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("index", models.PositiveBigIntegerField()),
                ("issued", models.DateTimeField()),
                ("kind", models.CharField(max_length=32)),
                ("root", models.CharField(blank=True, db_index=True, max_length=64)),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="accord.feedrow",
                    ),
                ),
            ],
            options={
                "ordering": ("feed", "index"),
            },
        ),
        migrations.CreateModel(
            name="VerdictRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("index", models.PositiveBigIntegerField()),
                ("fingerprint", models.CharField(max_length=64)),
                ("on", models.PositiveBigIntegerField()),
                ("finding", models.CharField(max_length=16)),
                ("basis", models.TextField(blank=True)),
                ("reason", models.TextField(blank=True)),
                ("failed", models.JSONField(default=list)),
                ("height", models.PositiveIntegerField(null=True)),
                ("block", models.CharField(blank=True, max_length=64)),
                ("signed_at", models.DateTimeField()),
                ("root", models.CharField(blank=True, db_index=True, max_length=64)),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="accord.feedrow",
                    ),
                ),
            ],
            options={
                "ordering": ("feed", "index"),
            },
        ),
        migrations.CreateModel(
            name="AgreementRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ident", models.CharField(max_length=64)),
                ("version", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("text", models.TextField()),
                ("minutes", models.JSONField(default=dict)),
                ("signed", models.JSONField(default=list)),
                ("shown", models.JSONField(default=list)),
                (
                    "office",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agreements",
                        to="statement.officerow",
                    ),
                ),
            ],
            options={
                "ordering": ("ident", "version"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("office", "digest"), name="one_row_an_agreement"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="feedrow",
            constraint=models.UniqueConstraint(
                fields=("office", "folder"), name="one_feed_a_folder"
            ),
        ),
    ]
