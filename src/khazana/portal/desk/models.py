"""Statements on their way: made by a worker, signed offline, published by another person."""

from django.db import models


class DraftState(models.TextChoices):
    WAITING = "waiting"
    MADE = "made"
    FAILED = "failed"
    SIGNED = "signed"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class DraftRow(models.Model):
    """One statement. raw: as it was made; signed: with the office's signatures, few or enough."""

    state = models.CharField(max_length=16, choices=DraftState.choices, default=DraftState.WAITING)
    after_name = models.CharField(max_length=80)
    until_name = models.CharField(max_length=80)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    supersedes = models.CharField(max_length=64, blank=True)
    """The root of the published statement that this one corrects, and why."""
    reason = models.CharField(max_length=500, blank=True)
    inputs = models.CharField(max_length=64, blank=True)
    """Digest of the office's files and of what was published when it was made."""
    raw = models.BinaryField(null=True)
    root = models.CharField(max_length=64, blank=True)
    summary = models.TextField(blank=True)
    findings = models.TextField(blank=True)
    unexplained = models.BigIntegerField(default=0)
    """Satoshis that moved and that no document explains."""
    signed = models.BinaryField(null=True)
    signed_by = models.CharField(max_length=64, blank=True)
    level = models.CharField(max_length=16, blank=True)
    proofs_withheld = models.BooleanField(default=False)
    level_by = models.CharField(max_length=64, blank=True)
    published_by = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class CampaignState(models.TextChoices):
    WAITING = "waiting"
    PLANNED = "planned"
    FAILED = "failed"


class CampaignRow(models.Model):
    """Proofs of control for one draft. standing: what came back of each round, as it is shown."""

    draft = models.OneToOneField(DraftRow, on_delete=models.CASCADE, related_name="campaign")
    state = models.CharField(
        max_length=16, choices=CampaignState.choices, default=CampaignState.WAITING
    )
    batch = models.JSONField(default=list)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    problem = models.TextField(blank=True)
    message = models.TextField(blank=True)
    paths = models.JSONField(default=list)
    """[wallet, cosigner, path]: where a device that signs no PSBT signs the message alone."""
    exposures = models.JSONField(default=list)
    unplanned = models.JSONField(default=list)
    standing = models.JSONField(default=list)
    evidence = models.JSONField(default=list)
    """The proofs, once all coins are proved, as they are attached."""

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"proofs of draft {self.draft_id}"


class RoundRow(models.Model):
    """A file to sign."""

    campaign = models.ForeignKey(CampaignRow, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    psbt = models.BinaryField()

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return self.name


class ReturnedState(models.TextChoices):
    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"


class ReturnedRow(models.Model):
    """A file that came back from a cosigner; one with anything wrong is refused whole."""

    campaign = models.ForeignKey(CampaignRow, on_delete=models.CASCADE, related_name="returned")
    state = models.CharField(
        max_length=16, choices=ReturnedState.choices, default=ReturnedState.WAITING
    )
    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.state}"
