"""Addresses of a portal with the staff desk: the public ones, the entrance and the desk."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path

from khazana.portal.project import urls

urlpatterns: list[URLPattern | URLResolver] = [
    *urls.urlpatterns,
    path("desk/api/", include("khazana.portal.staff_api.urls")),
    *i18n_patterns(
        path("accounts/", include("khazana.portal.accounts.urls")),
        path("desk/", include("khazana.portal.desk.urls")),
        path("desk/", include("khazana.portal.tasks.urls")),
        path("desk/reconciliation/", include("khazana.portal.reconciliation.urls")),
        path("desk/orders/", include("khazana.portal.orders.urls")),
        path("desk/audits/", include("khazana.portal.auditing.urls")),
        path("desk/conditions/", include("khazana.portal.memoranda.urls")),
    ),
]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
