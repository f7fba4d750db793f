"""Audits: what was opened, asked, answered, announced, drawn, found and signed.

Entries are added and never changed; of an audit only its report, of a sample only
what was drawn, of an opinion only its publication come later.
"""

from django.db import models


class AuditRow(models.Model):
    """An audit of one statement, which is kept as the auditor was given it."""

    root = models.CharField(max_length=64)
    statement = models.BinaryField()
    test = models.BooleanField()
    auditor = models.CharField(max_length=200)
    public = models.CharField(max_length=64)
    """The auditor's Ed25519 public key."""
    key = models.CharField(max_length=64)
    """Its id."""
    scope = models.TextField()
    materiality = models.BigIntegerField()
    opened_by = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    report = models.BinaryField(null=True)
    """What `khazana verify --json` said."""
    report_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.pk} {self.root[:12]}"


class FileRow(models.Model):
    """A file that came in; its bytes stand in the private folder under their SHA-256."""

    audit = models.ForeignKey(AuditRow, on_delete=models.PROTECT, related_name="files")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.sha256


class RequestRow(models.Model):
    """Something that the auditor wants to see."""

    audit = models.ForeignKey(AuditRow, on_delete=models.PROTECT, related_name="requests")
    number = models.PositiveIntegerField()
    due = models.DateField()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["audit", "number"], name="one_request_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.audit_id}/{self.number}"

    @property
    def step(self) -> str:
        """Where it stands: its last entry's step."""
        last = self.entries.last()
        return "" if last is None else last.step


class EntryRow(models.Model):
    """One step of a request."""

    request = models.ForeignKey(RequestRow, on_delete=models.PROTECT, related_name="entries")
    step = models.CharField(max_length=16)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    text = models.TextField(blank=True)
    files = models.ManyToManyField(FileRow)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.request_id} {self.step}"


class SampleRow(models.Model):
    """An announced sample, and what its block drew."""

    audit = models.ForeignKey(AuditRow, on_delete=models.PROTECT, related_name="samples")
    number = models.PositiveIntegerField()
    announcement = models.BinaryField()
    sha256 = models.CharField(max_length=64, unique=True)
    drawn = models.BinaryField(null=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["audit", "number"], name="one_sample_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.audit_id}/{self.number}"


class FindingRow(models.Model):
    """What the auditor saw of one item; of several on one item the last one counts."""

    sample = models.ForeignKey(SampleRow, on_delete=models.PROTECT, related_name="findings")
    item = models.TextField()
    outcome = models.CharField(max_length=16)
    note = models.TextField(blank=True)
    paper = models.ForeignKey(FileRow, null=True, on_delete=models.PROTECT)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.sample_id} {self.outcome}"


class OpinionRow(models.Model):
    """A signed opinion. published_by: who put it beside the statement, empty until then."""

    audit = models.ForeignKey(AuditRow, on_delete=models.PROTECT, related_name="opinions")
    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    taken_by = models.CharField(max_length=64)
    taken_at = models.DateTimeField()
    published_by = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["audit", "sha256"], name="one_opinion_a_file"),
        )

    def __str__(self) -> str:
        return f"{self.audit_id} {self.sha256[:12]}"
