"""Addresses: pages carry their language; what programs read does not."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path

from khazana.portal.project.views import language_chosen, nothing_here

urlpatterns: list[URLPattern | URLResolver] = [
    path("", language_chosen, name="language-chosen"),
    path("", include("khazana.portal.project.font_urls")),
    path("", include("khazana.portal.statement.file_urls")),
    path("", include("khazana.portal.api.urls")),
    *i18n_patterns(
        path("", include("khazana.portal.reserve.urls")),
        path("", include("khazana.portal.statement.urls")),
        path("", include("khazana.portal.conditions.urls")),
        path("", include("khazana.portal.explainers.urls")),
    ),
]
handler404 = nothing_here
