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
            name="MovementRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("txid", models.CharField(max_length=64)),
                ("height", models.PositiveIntegerField()),
                ("block_hash", models.CharField(max_length=64)),
                ("position", models.PositiveIntegerField()),
                ("median_time", models.DateTimeField(null=True)),
                ("coinbase", models.BooleanField()),
                ("spent", models.BigIntegerField()),
                ("received", models.BigIntegerField()),
                ("unexplained", models.BooleanField()),
                ("inside_one_wallet", models.BooleanField(default=False)),
                ("entry", models.JSONField()),
                ("explanation", models.JSONField(null=True)),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="movements",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("-height", "-position"),
            },
        ),
        migrations.CreateModel(
            name="LineRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wallet", models.CharField(max_length=64)),
                ("reason", models.CharField(max_length=64)),
                ("amount", models.BigIntegerField()),
                ("counterpart", models.CharField(blank=True, max_length=64)),
                ("document", models.CharField(blank=True, max_length=2000)),
                ("grade", models.CharField(max_length=1)),
                ("rule", models.CharField(max_length=16)),
                (
                    "movement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="reserve.movementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="ScriptRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wallet", models.CharField(max_length=64)),
                ("number", models.PositiveIntegerField()),
                ("script", models.TextField()),
                ("address", models.CharField(blank=True, max_length=120)),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scripts",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="BalanceRow",
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
                            ("perimeter", "Perimeter"),
                            ("entity", "Entity"),
                            ("wallet", "Wallet"),
                            ("account", "Account"),
                        ],
                        max_length=16,
                    ),
                ),
                ("ident", models.CharField(max_length=64)),
                ("height", models.PositiveIntegerField()),
                ("block_hash", models.CharField(max_length=64)),
                ("median_time", models.DateTimeField(null=True)),
                ("amount", models.BigIntegerField()),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="balances",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("height",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("statement", "kind", "ident", "height"), name="one_balance_a_block"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CoinRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wallet", models.CharField(max_length=64)),
                ("outpoint", models.CharField(max_length=80)),
                ("amount", models.BigIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("block_hash", models.CharField(max_length=64)),
                ("coinbase", models.BooleanField()),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coins",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("-amount", "outpoint"),
                "constraints": [
                    models.UniqueConstraint(fields=("statement", "outpoint"), name="one_row_a_coin")
                ],
            },
        ),
        migrations.CreateModel(
            name="FiguresRow",
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
                            ("perimeter", "Perimeter"),
                            ("entity", "Entity"),
                            ("wallet", "Wallet"),
                            ("account", "Account"),
                        ],
                        max_length=16,
                    ),
                ),
                ("ident", models.CharField(max_length=64)),
                ("position", models.PositiveIntegerField()),
                ("name", models.JSONField()),
                ("entity", models.CharField(blank=True, max_length=64)),
                ("lane", models.CharField(blank=True, max_length=32)),
                ("body", models.JSONField()),
                ("opening", models.BigIntegerField()),
                ("closing", models.BigIntegerField()),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="figures",
                        to="statement.statementrow",
                    ),
                ),
            ],
            options={
                "ordering": ("position",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("statement", "kind", "ident"), name="one_row_a_set"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="movementrow",
            index=models.Index(
                fields=["statement", "-height", "-position"], name="reserve_mov_stateme_e270e0_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="movementrow",
            index=models.Index(fields=["txid"], name="reserve_mov_txid_682e8d_idx"),
        ),
        migrations.AddConstraint(
            model_name="movementrow",
            constraint=models.UniqueConstraint(
                fields=("statement", "txid"), name="one_row_a_movement"
            ),
        ),
        migrations.AddIndex(
            model_name="linerow",
            index=models.Index(fields=["wallet"], name="reserve_lin_wallet_8808da_idx"),
        ),
        migrations.AddIndex(
            model_name="linerow",
            index=models.Index(fields=["reason"], name="reserve_lin_reason_e7a26e_idx"),
        ),
        migrations.AddIndex(
            model_name="scriptrow",
            index=models.Index(fields=["address"], name="reserve_scr_address_965110_idx"),
        ),
    ]
