"""Audits: requests, samples, working papers and the signed opinion. As an app of the desk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext

from khazana.portal.accounts.roles import AUDITS, CONFIRMS, PREPARES
from khazana.portal.desk.waiting import Waiting

if TYPE_CHECKING:
    from khazana.portal.accounts.models import Person


class AuditingConfig(AppConfig):
    name = "khazana.portal.auditing"
    label = "auditing"

    def waiting(self, person: "Person") -> Iterator[Waiting]:
        """Requests without an answer, answers without a word on them, opinions to publish."""
        from khazana.portal.auditing.models import AuditRow

        for audit in AuditRow.objects.defer("statement", "report"):
            address = reverse("audit", args=[audit.pk])
            steps = {each.step for each in audit.requests.all()}
            if person.role in PREPARES and steps & {"asked", "asked_again"}:
                yield Waiting(gettext("The auditor waits for an answer."), address)
            if person.role in AUDITS and "answered" in steps:
                yield Waiting(gettext("A request of yours is answered."), address)
            if person.role in CONFIRMS and audit.opinions.filter(published_by="").exists():
                yield Waiting(gettext("A signed opinion waits to be published."), address)
