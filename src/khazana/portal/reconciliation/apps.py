"""Reconciliation: postings that nothing explains yet. As an app of the desk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext

from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.desk.waiting import Waiting

if TYPE_CHECKING:
    from khazana.portal.accounts.models import Person


class ReconciliationConfig(AppConfig):
    name = "khazana.portal.reconciliation"
    label = "reconciliation"

    def waiting(self, person: "Person") -> Iterator[Waiting]:
        """Open lines for who prepares, proposals for who confirms and has not yet."""
        from khazana.portal.reconciliation.models import PostingRow, ProposalRow, ProposalState
        from khazana.portal.reconciliation.proposals import counted

        if person.role in PREPARES and PostingRow.objects.filter(unexplained=True).exists():
            yield Waiting(gettext("Postings are unexplained."), reverse("reconciliation"))
        if person.role in CONFIRMS:
            for row in ProposalRow.objects.filter(state=ProposalState.OPEN):
                if row.by != person.username and person.username not in counted(row):
                    address = reverse("proposal", args=[row.pk])
                    yield Waiting(gettext("New entries wait to be confirmed."), address)
