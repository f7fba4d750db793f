"""Memoranda on their way to the office's files, and questions of what a booking would do."""

from django.db import models


class ProposedState(models.TextChoices):
    OPEN = "open"
    SAVED = "saved"
    DECLINED = "declined"


class ProposedRow(models.Model):
    """A whole memorandum as somebody wants it; another person saves or declines it.

    sha256: of its bytes, by which it is confirmed. base: of the file that it would replace, ""
    where there was none.
    """

    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    base = models.CharField(max_length=64, blank=True)
    why = models.CharField(max_length=500)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    state = models.CharField(
        max_length=16, choices=ProposedState.choices, default=ProposedState.OPEN
    )
    ended_by = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    word = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class QuestionState(models.TextChoices):
    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"


class QuestionRow(models.Model):
    """What if: one supposed booking, and each condition before and after it."""

    reason = models.CharField(max_length=32)
    account = models.CharField(max_length=64)
    btc = models.CharField(max_length=24)
    cost = models.CharField(max_length=32, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    paid_from = models.CharField(max_length=64, blank=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    memorandum = models.CharField(max_length=64)
    """SHA-256 of the memorandum that was asked."""
    state = models.CharField(
        max_length=16, choices=QuestionState.choices, default=QuestionState.WAITING
    )
    answer = models.JSONField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.reason} {self.btc}"
