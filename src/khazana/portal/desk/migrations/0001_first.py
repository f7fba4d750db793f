"""The first tables."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DraftRow",
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
                            ("made", "Made"),
                            ("failed", "Failed"),
                            ("signed", "Signed"),
                            ("published", "Published"),
                            ("discarded", "Discarded"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("after_name", models.CharField(max_length=80)),
                ("until_name", models.CharField(max_length=80)),
                ("made_by", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("supersedes", models.CharField(blank=True, max_length=64)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("inputs", models.CharField(blank=True, max_length=64)),
                ("raw", models.BinaryField(null=True)),
                ("root", models.CharField(blank=True, max_length=64)),
                ("summary", models.TextField(blank=True)),
                ("findings", models.TextField(blank=True)),
                ("unexplained", models.BigIntegerField(default=0)),
                ("signed", models.BinaryField(null=True)),
                ("signed_by", models.CharField(blank=True, max_length=64)),
                ("level", models.CharField(blank=True, max_length=16)),
                ("proofs_withheld", models.BooleanField(default=False)),
                ("level_by", models.CharField(blank=True, max_length=64)),
                ("published_by", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="CampaignRow",
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
                            ("planned", "Planned"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("batch", models.JSONField(default=list)),
                ("made_by", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("problem", models.TextField(blank=True)),
                ("message", models.TextField(blank=True)),
                ("paths", models.JSONField(default=list)),
                ("exposures", models.JSONField(default=list)),
                ("unplanned", models.JSONField(default=list)),
                ("standing", models.JSONField(default=list)),
                ("evidence", models.JSONField(default=list)),
                (
                    "draft",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="campaign",
                        to="desk.draftrow",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="ReturnedRow",
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
                            ("taken", "Taken"),
                            ("refused", "Refused"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("raw", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("problem", models.TextField(blank=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="returned",
                        to="desk.campaignrow",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="RoundRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("psbt", models.BinaryField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rounds",
                        to="desk.campaignrow",
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
            },
        ),
    ]
