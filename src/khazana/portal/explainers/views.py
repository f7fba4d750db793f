"""What a proof shows and what it does not, in plain words."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from khazana.portal.explainers.read import SLUGS, explainer, explainers


def _language() -> str:
    return (get_language() or "en").partition("-")[0]


def listed(request: HttpRequest) -> HttpResponse:
    """Every explainer by its title."""
    return render(request, "explainers/list.html", {"explainers": explainers(_language())})


def shown(request: HttpRequest, slug: str) -> HttpResponse:
    """One explainer."""
    if slug not in SLUGS:
        raise Http404
    return render(request, "explainers/one.html", {"explainer": explainer(slug, _language())})
