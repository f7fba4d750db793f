"""Acts as rows. They can be added; neither Django nor the database changes or deletes one."""

from collections.abc import Iterable
from typing import Any, NoReturn

from django.db import models

from khazana.statement.acts import Act


class AppendOnly(models.QuerySet["ActRow"]):
    """Refuses here what the database's triggers would refuse anyway, in words of our own."""

    def update(self, **_: Any) -> NoReturn:
        raise RuntimeError("the audit log is append-only")

    def delete(self) -> NoReturn:
        raise RuntimeError("the audit log is append-only")

    def bulk_create(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("acts are recorded one by one, each on the one before")

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("the audit log is append-only")


class ActRow(models.Model):
    """One act. Two rows cannot follow the same act: the log does not fork."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=256, blank=True)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"{self.number} {self.actor}: {self.action}"

    def save(
        self,
        *,
        force_insert: bool | tuple[models.base.ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if not self._state.adding:
            raise RuntimeError("the audit log is append-only")
        super().save(force_insert=True, using=using)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("the audit log is append-only")

    def value(self) -> Act:
        """The act as the room knows it."""
        return Act(
            number=self.number,
            at=self.at,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            detail=self.detail,
            previous=self.previous,
        )
