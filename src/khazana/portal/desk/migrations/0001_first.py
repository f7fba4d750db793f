"""The first tables."""

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
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("after_name", models.CharField(max_length=80)),
                ("until_name", models.CharField(max_length=80)),
                ("made_by", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("raw", models.BinaryField(null=True)),
                ("root", models.CharField(blank=True, max_length=64)),
                ("summary", models.TextField(blank=True)),
                ("findings", models.TextField(blank=True)),
                ("signed", models.BinaryField(null=True)),
                ("signed_by", models.CharField(blank=True, max_length=64)),
                ("published_by", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
    ]
