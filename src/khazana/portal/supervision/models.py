"""Supervised providers and their epochs, as their published files say. A row decides nothing.

All of them are made again from the files whenever one of those changes.
"""

from django.conf import settings
from django.db import models

from khazana.portal.accord.known import known_offices
from khazana.portal.statement.models import OfficeRow
from khazana.portal.statement.publication import PublicationRefused


class ProviderRow(models.Model):
    """A provider of virtual assets whose files the office publishes under providers/SLUG/."""

    office = models.ForeignKey(OfficeRow, on_delete=models.CASCADE, related_name="providers")
    slug = models.CharField(max_length=64)
    name = models.JSONField()
    """{language: text}, as in its identity."""
    licence = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        ordering = ("office", "slug")
        constraints = (
            models.UniqueConstraint(fields=["office", "slug"], name="one_provider_a_slug"),
        )

    def __str__(self) -> str:
        return self.slug


class EpochRow(models.Model):
    """What a provider owed at one block, and what covered it."""

    provider = models.ForeignKey(ProviderRow, on_delete=models.CASCADE, related_name="epochs")
    epoch = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    folder = models.CharField(max_length=128)
    """Where its files lie: providers/SLUG/NAME."""
    block_height = models.PositiveIntegerField()
    block_hash = models.CharField(max_length=64)
    trees = models.JSONField()
    """The statement's heads of trees, each with the name of its published level's file."""
    rejected = models.CharField(max_length=32, blank=True)
    """Why a reader rejects the published files (khazana.supervision.solvency.errors.Reason)."""
    why = models.TextField(blank=True)
    block_time = models.DateTimeField(null=True)
    """The block's median time past, as the coverage statement gives it."""
    coverage = models.JSONField(default=list)
    """The coverage statement's assets, each with owed, proved, attested and status."""
    coverage_sha256 = models.CharField(max_length=64, blank=True)
    """Of the coverage statement, by which a report names it; "" where there is none."""
    recomputed = models.JSONField(null=True)
    """The regulator's countersignature: whether its key signed, and of how many customers."""

    class Meta:
        ordering = ("provider", "-epoch")
        constraints = (
            models.UniqueConstraint(fields=["provider", "folder"], name="one_epoch_a_folder"),
        )

    def __str__(self) -> str:
        return f"{self.provider_id} {self.epoch}"

    @property
    def kept(self) -> int | None:
        """Satoshis that the chain shows at the block; None without a coverage statement."""
        return next((each["proved"] for each in self.coverage if each["asset"] == "BTC"), None)

    @property
    def report(self) -> "CoverageReportRow | None":
        """What the portal's own check of exactly this coverage statement said."""
        return CoverageReportRow.objects.filter(
            sha256=self.coverage_sha256, fingerprint=self.provider.fingerprint
        ).first()

    @property
    def by_known_regulator(self) -> bool:
        """Whether the operator named the office that countersigned: anybody can call an identity of
        their own a regulator's.
        """
        try:
            known = known_offices(settings.KNOWN_OFFICES)
        except PublicationRefused:
            return False  # the import says what is wrong with the setting
        return (self.recomputed or {}).get("fingerprint") in known

    @property
    def statement_path(self) -> str:
        return f"{self.folder}/epoch.json"


class CoverageReportRow(models.Model):
    """What `khazana verify` said here of a coverage statement; kept whatever is imported again."""

    sha256 = models.CharField(max_length=64)
    """Of the coverage statement's bytes."""
    fingerprint = models.CharField(max_length=64)
    """Of the provider that the command expected."""
    source = models.CharField(max_length=16)
    checked_at = models.DateTimeField()
    exit_status = models.SmallIntegerField()
    checks = models.JSONField()
    """Check -> verdict."""
    failed = models.TextField(blank=True)
    """What the first check that failed said."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sha256", "fingerprint"], name="one_report_a_file"),
        )

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.exit_status}"
