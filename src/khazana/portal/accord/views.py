"""The accord's pages: texts in four languages, and what each state's rules say."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from khazana.accord.agreement.changes import Change, changes
from khazana.accord.agreement.model import Agreement, Visit
from khazana.accord.agreement.shipped import SHIPPED_AGREEMENTS, shipped_agreement
from khazana.accord.comparator.provisions import Comparison, Provision, State
from khazana.accord.comparator.read import shipped_comparison
from khazana.portal.accord.agreements import agreement_of, kept, signatures
from khazana.portal.accord.models import AgreementRow
from khazana.portal.reserve.asking import date_asked
from khazana.portal.statement.models import StatementRow


def listed(request: HttpRequest) -> HttpResponse:
    """Every instrument, with what class of asset it is about: the signed ones first."""
    signed = {row.ident: agreement_of(row) for row in _rows()}
    ready = [each for each in _ready().values() if each.id not in signed]
    return render(
        request, "accord/agreements.html", {"signed": list(signed.values()), "ready": ready}
    )


def shown(request: HttpRequest, ident: str, version: int | None = None) -> HttpResponse:
    """One agreement in the reader's language, beside the language that decides."""
    rows = list(_rows(ident))
    row = next((each for each in reversed(rows) if version in (None, each.version)), None)
    agreement = agreement_of(row) if row is not None else _ready().get(ident)
    if agreement is None or (row is None and version is not None):
        raise Http404
    language = _language()
    if language not in agreement.languages:
        language = agreement.authentic
    articles = [
        {
            "article": each,
            "sentences": list(
                zip(each.sentences[language], each.sentences[agreement.authentic], strict=True)
            ),
        }
        for each in agreement.articles
    ]
    context: dict[str, Any] = {
        "agreement": agreement,
        "articles": articles,
        "translated": language != agreement.authentic,
    }
    if row is not None:
        context |= {
            "signatures": signatures(agreement, row),
            "kept": list(kept(agreement, row, now=datetime.now(UTC))),
            "visits": [_visit(agreement, row, each) for each in agreement.visits],
            "versions": rows if len(rows) > 1 else [],
            "newer": row != rows[-1],
            "changes": list(_changes(agreement, rows, language)),
            "known": set(StatementRow.objects.values_list("root", flat=True)),
        }
    return render(request, "accord/agreement.html", context)


def _rows(ident: str | None = None) -> QuerySet[AgreementRow]:
    """Versions in the logs that this portal's own office has, oldest first."""
    rows = AgreementRow.objects.filter(office__own=True)
    return rows if ident is None else rows.filter(ident=ident)


def _visit(agreement: Agreement, row: AgreementRow, visit: Visit) -> dict[str, Any]:
    return {
        "visit": visit,
        "host": agreement.party(visit.host),
        "guests": [agreement.party(each) for each in visit.guests],
        "minutes": row.minutes.get(visit.minutes),
        "actions": [each for each in agreement.commitments if each.id in visit.actions],
    }


def _changes(
    agreement: Agreement, rows: Sequence[AgreementRow], language: str
) -> Iterator[dict[str, Any]]:
    """What this version changed, in the reader's language, where the one before is here."""
    before = next((each for each in rows if each.digest == agreement.previous), None)
    if before is None:
        return
    old = agreement_of(before)
    headings = {each.id: each.headings for each in (*old.articles, *agreement.articles)}
    for each in changes(old, agreement):
        yield {
            "change": each,
            "heading": headings[each.article],
            "before": _sentence(old, each, language),
            "after": _sentence(agreement, each, language),
        }


def _sentence(agreement: Agreement, change: Change, language: str) -> str:
    for article in agreement.articles:
        sentences = article.sentences.get(language, ())
        if article.id == change.article and change.number <= len(sentences):
            return sentences[change.number - 1]
    return ""


def rules(request: HttpRequest) -> HttpResponse:
    """Both states' answers to every question: the newest, or those that applied on `?at=`."""
    day = date_asked(request)
    comparison = shipped_comparison()
    rows = [
        {
            "question": question,
            "answers": [(state, _answer(comparison, question.id, state, day)) for state in State],
        }
        for question in comparison.questions
    ]
    return render(request, "accord/rules.html", {"rows": rows, "states": list(State), "day": day})


def rule(request: HttpRequest, ident: str) -> HttpResponse:
    """Every version of both states' answers to one question."""
    comparison = shipped_comparison()
    question = next((each for each in comparison.questions if each.id == ident), None)
    if question is None:
        raise Http404
    histories = [(state, comparison.history(ident, state)) for state in State]
    return render(request, "accord/rule.html", {"question": question, "histories": histories})


def _answer(
    comparison: Comparison, question: str, state: State, day: date | None
) -> Provision | None:
    if day is not None:
        return comparison.on(question, state, day)
    history = comparison.history(question, state)
    return history[-1] if history else None


def _ready() -> dict[str, Agreement]:
    found = (shipped_agreement(name) for name in SHIPPED_AGREEMENTS)
    return {each.id: each for each in found}


def _language() -> str:
    return (get_language() or "en").partition("-")[0]
