"""A row for each mining site of a statement: its part as published, and what lists need of it."""

import msgspec
from django.db import models

from khazana.mining.parts import MiningBody
from khazana.portal.statement.models import StatementRow


class SiteRow(models.Model):
    """The part `x-mining/SITE` of a statement; it only repeats what `StatementRow.raw` says."""

    statement = models.ForeignKey(
        StatementRow, on_delete=models.CASCADE, related_name="mining_sites"
    )
    site = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    """Place in the statement, for the order of lists."""
    body = models.JSONField()
    """The part's whole body."""

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["statement", "site"], name="one_row_a_site"),
        )

    def __str__(self) -> str:
        return f"x-mining/{self.site}"

    def value(self) -> MiningBody:
        return msgspec.convert(self.body, MiningBody)
