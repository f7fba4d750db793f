"""Offices and the files they published. A row gives its value back and decides nothing."""

from datetime import datetime
from functools import cached_property

from django.db import models

from khazana.bitcoin.chain import BlockRef
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.units import BlockHash, Height


class OfficeRow(models.Model):
    """An office whose statements are shown here: the portal's own, or a partner's."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.JSONField()
    """{language: text}, as in its newest statement."""
    own = models.BooleanField()
    fingerprint = models.CharField(max_length=64, blank=True)
    notice = models.TextField(blank=True)
    network = models.CharField(max_length=32)
    genesis = models.CharField(max_length=64)
    test = models.BooleanField()

    class Meta:
        ordering = ("-own", "slug")
        constraints = (
            models.UniqueConstraint(
                fields=["own"], condition=models.Q(own=True), name="one_own_office"
            ),
        )

    def __str__(self) -> str:
        return self.slug


class StatementRow(models.Model):
    """A statement as published: the bytes of the disclosure, and what lists need of it."""

    office = models.ForeignKey(OfficeRow, on_delete=models.CASCADE, related_name="statements")
    root = models.CharField(max_length=64, unique=True)
    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    file_name = models.CharField(max_length=128)
    after_height = models.PositiveIntegerField()
    after_hash = models.CharField(max_length=64)
    after_mtp = models.DateTimeField()
    until_height = models.PositiveIntegerField()
    until_hash = models.CharField(max_length=64)
    until_mtp = models.DateTimeField()
    timezone = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    supersedes = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField(null=True)
    headline = models.CharField(max_length=80, blank=True)
    """The part that stands for everything, such as perimeter/public-sector."""
    watched = models.CharField(max_length=80, blank=True)
    """The part whose gross inflow is shown beside the headline's net."""
    verdicts = models.JSONField(default=dict)
    """How many of the lender's conditions have which verdict now, by the verdict's name."""
    book = models.JSONField(default=list)
    """Bodies of what changed without a transaction: losses, restatements, perimeter changes."""
    exclusions = models.JSONField(default=list)
    """What the office knows of and leaves out, and why."""
    opinions = models.JSONField(default=list)
    """Auditors' signed opinions that the file carries, as `portal.statement.opinions` says them."""
    part_count = models.PositiveIntegerField()
    withheld_count = models.PositiveIntegerField()

    class Meta:
        ordering = ("-until_height", "-pk")

    def __str__(self) -> str:
        return f"{self.office_id} {self.root[:12]}"

    def value(self) -> ReserveStatement:
        """The statement itself, read again from its bytes."""
        return read_reserve_statement(bytes(self.raw))

    @property
    def after(self) -> BlockRef:
        return BlockRef(Height(self.after_height), BlockHash(self.after_hash))

    @property
    def until(self) -> BlockRef:
        return BlockRef(Height(self.until_height), BlockHash(self.until_hash))

    @cached_property
    def superseded_by(self) -> "StatementRow | None":
        replacing = StatementRow.objects.filter(office=self.office_id, supersedes=self.root)
        return replacing.defer("raw").first()


class FileKind(models.TextChoices):
    """What a file beside the statements is."""

    IDENTITY = "identity"
    VALUATION = "valuation"
    PRICES = "prices"
    DOCUMENTS = "documents"
    MEMORANDUM = "memorandum"
    STATISTICS = "statistics"
    CONTROL = "control"
    MINING = "mining"
    REPORT = "report"
    PROVIDER = "provider"
    FEED = "feed"


class FileRow(models.Model):
    """A published file that is no statement; `statement` where it belongs to one."""

    office = models.ForeignKey(OfficeRow, on_delete=models.CASCADE, related_name="files")
    statement = models.ForeignKey(
        StatementRow, null=True, on_delete=models.CASCADE, related_name="files"
    )
    kind = models.CharField(max_length=16, choices=FileKind.choices)
    path = models.CharField(max_length=256)
    """Relative to the folder it was imported from, so that export puts it back there."""
    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("path",)
        constraints = (models.UniqueConstraint(fields=["office", "path"], name="one_file_a_path"),)

    def __str__(self) -> str:
        return self.path


class BlockTimeRow(models.Model):
    """When a block was: its median time past, derived from headers that lead to its hash."""

    genesis = models.CharField(max_length=64)
    height = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)
    median_time = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["genesis", "hash"], name="one_time_a_block"),
        )
        indexes = (models.Index(fields=["genesis", "median_time"]),)

    def __str__(self) -> str:
        return f"{self.height} {self.median_time:%Y-%m-%d %H:%M}"

    def value(self) -> tuple[BlockRef, datetime]:
        return BlockRef(Height(self.height), BlockHash(self.hash)), self.median_time


class ReportRow(models.Model):
    """What `khazana verify` said of a statement when this portal ran it against its own source."""

    statement = models.OneToOneField(StatementRow, on_delete=models.CASCADE, related_name="report")
    sha256 = models.CharField(max_length=64)
    """Of the statement's bytes that were checked: new evidence asks for a new check."""
    source = models.CharField(max_length=16)
    """Kind of chain source: blocks, core or esplora."""
    checked_at = models.DateTimeField()
    exit_status = models.SmallIntegerField()
    document = models.JSONField()

    def __str__(self) -> str:
        return f"{self.statement_id}: {self.exit_status}"
