"""The first tables."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ProposedRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("raw", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("base", models.CharField(blank=True, max_length=64)),
                ("why", models.CharField(max_length=500)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("saved", "Saved"), ("declined", "Declined")],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("ended_by", models.CharField(blank=True, max_length=64)),
                ("ended_at", models.DateTimeField(null=True)),
                ("word", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="QuestionRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=32)),
                ("account", models.CharField(max_length=64)),
                ("btc", models.CharField(max_length=24)),
                ("cost", models.CharField(blank=True, max_length=32)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("paid_from", models.CharField(blank=True, max_length=64)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("memorandum", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("answered", "Answered"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("answer", models.JSONField(null=True)),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
    ]
