"""Addresses of what programs read: without a language."""

from django.urls import path, re_path

from khazana.portal.api.answers import no_such_address
from khazana.portal.api.feed import feed
from khazana.portal.api.routes import api
from khazana.portal.api.tables.views import table

urlpatterns = [
    path("api/v1/", api.urls),
    path("tables/<slug:name>.<slug:form>", table, name="table"),
    path("feed.atom", feed, name="feed"),
    path("feed-<slug:language>.atom", feed, name="feed-in"),
    re_path("^api/", no_such_address, name="api-nothing"),
]
