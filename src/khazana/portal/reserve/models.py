"""Rows of a statement's figures, movements and coins, taken from its parts when it is imported.

They only repeat what the statement says, so that lists and searches need not read whole files;
all of them can be made again from `StatementRow.raw`. Amounts are satoshis.
"""

import msgspec
from django.db import models

from khazana.portal.statement.models import StatementRow
from khazana.reserve.parts import EntryBody, ExplanationBody, FiguresBody


class SetKind(models.TextChoices):
    """What a set of accounts is, as in the names of a statement's parts."""

    PERIMETER = "perimeter"
    ENTITY = "entity"
    WALLET = "wallet"
    ACCOUNT = "account"


class FiguresRow(models.Model):
    """The account of a period for a perimeter, an entity, a wallet or a custodial account."""

    statement = models.ForeignKey(StatementRow, on_delete=models.CASCADE, related_name="figures")
    kind = models.CharField(max_length=16, choices=SetKind.choices)
    ident = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    """Place in the statement, for the order of lists."""
    name = models.JSONField()
    entity = models.CharField(max_length=64, blank=True)
    """Whose wallet or account it is."""
    lane = models.CharField(max_length=32, blank=True)
    """Legal lane at the closing block; empty for a set of several."""
    body = models.JSONField()
    """The part's whole body."""
    opening = models.BigIntegerField()
    closing = models.BigIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["statement", "kind", "ident"], name="one_row_a_set"),
        )

    def __str__(self) -> str:
        return f"{self.kind}/{self.ident}"

    @property
    def part(self) -> str:
        return f"{self.kind}/{self.ident}"

    def value(self) -> FiguresBody:
        return msgspec.convert(self.body["figures"], FiguresBody)


class MovementRow(models.Model):
    """One transaction as far as it touches declared wallets."""

    statement = models.ForeignKey(StatementRow, on_delete=models.CASCADE, related_name="movements")
    txid = models.CharField(max_length=64)
    height = models.PositiveIntegerField()
    block_hash = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    median_time = models.DateTimeField(null=True)
    coinbase = models.BooleanField()
    spent = models.BigIntegerField()
    received = models.BigIntegerField()
    unexplained = models.BooleanField()
    inside_one_wallet = models.BooleanField(default=False)
    """It only moved a wallet's own coins: there is nothing to explain but the fee."""
    entry = models.JSONField()
    explanation = models.JSONField(null=True)

    class Meta:
        ordering = ("-height", "-position")
        constraints = (
            models.UniqueConstraint(fields=["statement", "txid"], name="one_row_a_movement"),
        )
        indexes = (
            models.Index(fields=["statement", "-height", "-position"]),
            models.Index(fields=["txid"]),
        )

    def __str__(self) -> str:
        return self.txid

    def value(self) -> tuple[EntryBody, ExplanationBody | None]:
        explained = self.explanation
        return (
            msgspec.convert(self.entry, EntryBody),
            None if explained is None else msgspec.convert(explained, ExplanationBody),
        )


class LineRow(models.Model):
    """Why one wallet's holdings changed by a movement."""

    movement = models.ForeignKey(MovementRow, on_delete=models.CASCADE, related_name="lines")
    wallet = models.CharField(max_length=64)
    reason = models.CharField(max_length=64)
    amount = models.BigIntegerField()
    counterpart = models.CharField(max_length=64, blank=True)
    document = models.CharField(max_length=2000, blank=True)
    grade = models.CharField(max_length=1)
    rule = models.CharField(max_length=16)

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=["wallet"]), models.Index(fields=["reason"]))

    def __str__(self) -> str:
        return f"{self.wallet} {self.amount:+d} {self.reason}"


class CoinRow(models.Model):
    """A coin held at the closing block."""

    statement = models.ForeignKey(StatementRow, on_delete=models.CASCADE, related_name="coins")
    wallet = models.CharField(max_length=64)
    outpoint = models.CharField(max_length=80)
    amount = models.BigIntegerField()
    height = models.PositiveIntegerField()
    block_hash = models.CharField(max_length=64)
    coinbase = models.BooleanField()

    class Meta:
        ordering = ("-amount", "outpoint")
        constraints = (
            models.UniqueConstraint(fields=["statement", "outpoint"], name="one_row_a_coin"),
        )

    def __str__(self) -> str:
        return self.outpoint


class ScriptRow(models.Model):
    """An output script that a wallet declares, with its address where it has one."""

    statement = models.ForeignKey(StatementRow, on_delete=models.CASCADE, related_name="scripts")
    wallet = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    script = models.TextField()
    address = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=["address"]),)

    def __str__(self) -> str:
        return self.address or self.script[:40]


class BalanceRow(models.Model):
    """What a set held from the end of a block on, until its next row."""

    statement = models.ForeignKey(StatementRow, on_delete=models.CASCADE, related_name="balances")
    kind = models.CharField(max_length=16, choices=SetKind.choices)
    ident = models.CharField(max_length=64)
    height = models.PositiveIntegerField()
    block_hash = models.CharField(max_length=64)
    median_time = models.DateTimeField(null=True)
    amount = models.BigIntegerField()

    class Meta:
        ordering = ("height",)
        constraints = (
            models.UniqueConstraint(
                fields=["statement", "kind", "ident", "height"], name="one_balance_a_block"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}/{self.ident} after {self.height}: {self.amount}"
