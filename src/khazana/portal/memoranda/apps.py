"""Memoranda: the lender's conditions, written and tried. As an app of the desk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext

from khazana.portal.accounts.roles import CONFIRMS
from khazana.portal.desk.waiting import Waiting

if TYPE_CHECKING:
    from khazana.portal.accounts.models import Person


class MemorandaConfig(AppConfig):
    name = "khazana.portal.memoranda"
    label = "memoranda"

    def waiting(self, person: "Person") -> Iterator[Waiting]:
        """Proposals that somebody else wrote."""
        from khazana.portal.memoranda.models import ProposedRow, ProposedState

        if person.role in CONFIRMS:
            rows = ProposedRow.objects.filter(state=ProposedState.OPEN)
            for pk in rows.exclude(by=person.username).values_list("pk", flat=True):
                address = reverse("memorandum", args=[pk])
                yield Waiting(gettext("A memorandum waits for another person."), address)
