"""The accord's pages: texts in four languages, and what each state's rules say."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from khazana.accord.agreement.model import Agreement
from khazana.accord.agreement.shipped import SHIPPED_AGREEMENTS, shipped_agreement
from khazana.accord.comparator.provisions import Comparison, Provision, State
from khazana.accord.comparator.read import shipped_comparison
from khazana.portal.reserve.asking import date_asked


def listed(request: HttpRequest) -> HttpResponse:
    """Every instrument, with what class of asset it is about."""
    return render(request, "accord/agreements.html", {"agreements": _agreements().values()})


def shown(request: HttpRequest, ident: str) -> HttpResponse:
    """One agreement in the reader's language, beside the language that decides."""
    agreement = _agreements().get(ident)
    if agreement is None:
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
    return render(
        request,
        "accord/agreement.html",
        {
            "agreement": agreement,
            "articles": articles,
            "translated": language != agreement.authentic,
        },
    )


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


def _agreements() -> dict[str, Agreement]:
    found = (shipped_agreement(name) for name in SHIPPED_AGREEMENTS)
    return {each.id: each for each in found}


def _language() -> str:
    return (get_language() or "en").partition("-")[0]
