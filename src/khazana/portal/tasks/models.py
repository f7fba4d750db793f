"""What the queue of django-tasks-db lacks: leases, attempts, schedules, and the chain's tip."""

from django.db import models


class LeaseRow(models.Model):
    """Who works on a task, until when they must have said that they still live, and how often it
    was begun. token: a worker that lost its lease no longer has the token, and stores nothing.
    """

    task_id = models.UUIDField(primary_key=True)
    token = models.UUIDField(null=True)
    worker = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=["until"]),)

    def __str__(self) -> str:
        return f"{self.task_id}: attempt {self.attempts}"


class ScheduleRow(models.Model):
    """When a job that comes again and again is next put into the queue, and which task it was."""

    name = models.CharField(max_length=64, primary_key=True)
    next_at = models.DateTimeField()
    last_task_id = models.UUIDField(null=True)

    def __str__(self) -> str:
        return self.name


class TipRow(models.Model):
    """A tip of the best chain as the office's source showed it.

    replaced_from: the height above which earlier blocks left the best chain, when they did.
    """

    network = models.CharField(max_length=32)
    height = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)
    seen_at = models.DateTimeField()
    replaced_from = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.height} {self.hash[:16]}"
