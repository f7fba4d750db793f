"""The first tables."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ScheduleRow",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
                ("last_task_id", models.UUIDField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TipRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network", models.CharField(max_length=32)),
                ("height", models.PositiveIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("seen_at", models.DateTimeField()),
                ("replaced_from", models.PositiveIntegerField(null=True)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="LeaseRow",
            fields=[
                ("task_id", models.UUIDField(primary_key=True, serialize=False)),
                ("token", models.UUIDField(null=True)),
                ("worker", models.CharField(blank=True, max_length=64)),
                ("until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["until"], name="tasks_lease_until_dac99d_idx")],
            },
        ),
    ]
