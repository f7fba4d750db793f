"""Postings as the chain and the office's files explain them, proposals, and who confirmed them."""

from django.db import models


class ReadingRow(models.Model):
    """The last reading of the office's wallets; there is at most one row.

    files: `files_sha256` of what was read. findings: documents that fit nothing.
    """

    at = models.DateTimeField()
    height = models.PositiveBigIntegerField()
    block_hash = models.CharField(max_length=64)
    files = models.CharField(max_length=64)
    findings = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.height} {self.block_hash[:12]}"


class PostingRow(models.Model):
    """One line of a transaction and wallet. amount: satoshis, signed as the wallet sees it.

    candidates: documents that might explain it, each with rule, misfits, difference and days.
    """

    height = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    time = models.DateTimeField()
    txid = models.CharField(max_length=64)
    wallet = models.CharField(max_length=64)
    coinbase = models.BooleanField()
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=32)
    rule = models.CharField(max_length=4)
    document = models.CharField(max_length=64, blank=True)
    counterpart = models.CharField(max_length=64, blank=True)
    addresses = models.JSONField(default=list)
    candidates = models.JSONField(default=list)
    unexplained = models.BooleanField()

    class Meta:
        ordering = ("-unexplained", "-position")
        indexes = (models.Index(fields=["txid", "wallet"], name="posting_of_transaction"),)

    def __str__(self) -> str:
        return f"{self.txid[:12]} {self.wallet} {self.amount}"


class PaperRow(models.Model):
    """A paper behind a document; its bytes stand in the private folder under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.sha256


class ProposalState(models.TextChoices):
    WAITING = "waiting"
    OPEN = "open"
    REFUSED = "refused"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class ProposalRow(models.Model):
    """Rows that somebody wants in the office's files, and what they would change.

    base: `files_sha256` that the effect was computed on. digest: SHA-256 of what people confirm:
    the rows, the base and the effect.
    """

    state = models.CharField(
        max_length=16, choices=ProposalState.choices, default=ProposalState.WAITING
    )
    table = models.CharField(max_length=16)
    rows = models.JSONField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    base = models.CharField(max_length=64, blank=True)
    effect = models.JSONField(default=dict)
    problems = models.JSONField(default=list)
    digest = models.CharField(max_length=64, blank=True)
    ended_by = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    word = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class ConfirmationRow(models.Model):
    """A person agreed to exactly what the digest stands for."""

    proposal = models.ForeignKey(
        ProposalRow, on_delete=models.PROTECT, related_name="confirmations"
    )
    person = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["proposal", "person", "digest"], name="one_confirmation_a_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.proposal_id} {self.person}"
