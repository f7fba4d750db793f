"""Feeds as their files show them: logs, who cosigned them, verdicts. A row decides nothing.

All of them are made again from the files whenever one of those changes.
"""

from django.db import models

from khazana.portal.statement.models import OfficeRow


class FeedRow(models.Model):
    """A feed in an office's folder: its own, or its copy of another office's."""

    office = models.ForeignKey(OfficeRow, on_delete=models.CASCADE, related_name="feeds")
    """In whose folder it lies."""
    folder = models.CharField(max_length=128)
    slug = models.CharField(max_length=64)
    """Of the office whose log it is."""
    name = models.JSONField()
    """{language: text}, as in its identity."""
    fingerprint = models.CharField(max_length=64)
    known = models.BooleanField()
    """Whether it is the office's own, or of one that the operator named. Of others nothing is read
    but whose it says it is."""
    size = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    cosigned = models.JSONField(default=list)
    """Witnesses by fingerprint, how many entries they saw, and when."""
    stamped = models.JSONField(default=list)
    """Checkpoints that a block of the portal's own chain shows: entries, height, and when."""

    class Meta:
        ordering = ("office", "folder")
        constraints = (
            models.UniqueConstraint(fields=["office", "folder"], name="one_feed_a_folder"),
        )

    def __str__(self) -> str:
        return f"{self.office_id} {self.folder}"


class LogEntryRow(models.Model):
    """An entry of a feed's log. root: of the statement that it is about."""

    feed = models.ForeignKey(FeedRow, on_delete=models.CASCADE, related_name="entries")
    index = models.PositiveBigIntegerField()
    issued = models.DateTimeField()
    kind = models.CharField(max_length=32)
    root = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        ordering = ("feed", "index")

    def __str__(self) -> str:
        return f"{self.feed_id} {self.index}"


class VerdictRow(models.Model):
    """A signed verdict in a feed's log, on an entry of another log."""

    feed = models.ForeignKey(FeedRow, on_delete=models.CASCADE, related_name="verdicts")
    index = models.PositiveBigIntegerField()
    fingerprint = models.CharField(max_length=64)
    """Of the office whose log it judges."""
    on = models.PositiveBigIntegerField()
    finding = models.CharField(max_length=16)
    basis = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    failed = models.JSONField(default=list)
    height = models.PositiveIntegerField(null=True)
    block = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField()
    root = models.CharField(max_length=64, blank=True, db_index=True)
    """Of the statement that the entry is about, where a copy of that log is here."""

    class Meta:
        ordering = ("feed", "index")

    def __str__(self) -> str:
        return f"{self.feed_id} {self.index}"


class AgreementRow(models.Model):
    """A version of an agreement that a party of it signed and entered in its log."""

    office = models.ForeignKey(OfficeRow, on_delete=models.CASCADE, related_name="agreements")
    """In whose folder the feeds lie."""
    ident = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    text = models.TextField()
    minutes = models.JSONField(default=dict)
    """Published minutes by their SHA-256."""
    signed = models.JSONField(default=list)
    """Parties that are bound, since when, by how many keys, in which entry of their log."""
    shown = models.JSONField(default=list)
    """What the parties' logs show, and what somebody else found of it."""

    class Meta:
        ordering = ("ident", "version")
        constraints = (
            models.UniqueConstraint(fields=["office", "digest"], name="one_row_an_agreement"),
        )

    def __str__(self) -> str:
        return f"{self.ident} {self.version}"
