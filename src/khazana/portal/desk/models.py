"""Statements on their way: made by a worker, signed offline, published by another person."""

from django.db import models


class DraftState(models.TextChoices):
    WAITING = "waiting"
    MADE = "made"
    FAILED = "failed"
    SIGNED = "signed"
    PUBLISHED = "published"


class DraftRow(models.Model):
    """One statement. raw: as it was made; signed: as it came back, with the office's signatures."""

    state = models.CharField(max_length=16, choices=DraftState.choices, default=DraftState.WAITING)
    after_name = models.CharField(max_length=80)
    until_name = models.CharField(max_length=80)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    raw = models.BinaryField(null=True)
    root = models.CharField(max_length=64, blank=True)
    summary = models.TextField(blank=True)
    findings = models.TextField(blank=True)
    signed = models.BinaryField(null=True)
    signed_by = models.CharField(max_length=64, blank=True)
    published_by = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"
