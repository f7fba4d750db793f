"""Addresses of the desk: Reconciliation: postings that nothing explains yet."""

from django.urls import path

from khazana.portal.reconciliation import views, views_entering, views_proposals

urlpatterns = [
    path("", views.reconciliation, name="reconciliation"),
    path("read/", views.read_again, name="reconciliation-read"),
    path("postings/<slug:txid>/<str:wallet>/", views.posting, name="posting"),
    path("documents/", views.documents, name="documents"),
    path("documents/add/", views_entering.document_add, name="document-add"),
    path("tables/in/", views_entering.table_in, name="table-in"),
    path("book/add/", views_entering.book_add, name="book-add"),
    path("papers/<slug:sha256>/", views.paper, name="paper"),
    path("proposals/<int:pk>/", views_proposals.proposal, name="proposal"),
    path("proposals/<int:pk>/confirm/", views_proposals.proposal_confirm, name="proposal-confirm"),
    path("proposals/<int:pk>/decline/", views_proposals.proposal_decline, name="proposal-decline"),
]
