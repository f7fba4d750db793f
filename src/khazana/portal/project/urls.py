"""Addresses: pages carry their language; what programs read does not."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path

from khazana.portal.project.views import broken, language_chosen, nothing_here, refused, unreadable

urlpatterns: list[URLPattern | URLResolver] = [
    path("", language_chosen, name="language-chosen"),
    path("", include("khazana.portal.project.font_urls")),
    path("", include("khazana.portal.supervision.file_urls")),
    path("", include("khazana.portal.statement.file_urls")),
    path("", include("khazana.portal.api.urls")),
    *i18n_patterns(
        path("", include("khazana.portal.reserve.urls")),
        path("", include("khazana.portal.statement.urls")),
        path("", include("khazana.portal.conditions.urls")),
        path("", include("khazana.portal.mining.urls")),
        path("", include("khazana.portal.supervision.urls")),
        path("", include("khazana.portal.accord.urls")),
        path("", include("khazana.portal.explainers.urls")),
    ),
]
handler400 = unreadable
handler403 = refused
handler404 = nothing_here
handler500 = broken
