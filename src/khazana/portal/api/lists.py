"""Long lists, a part at a time, always in the same order."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from khazana.portal.api.asking import Paged
from khazana.portal.api.figures import base_of
from khazana.portal.api.schemas import Page

Row = TypeVar("Row", bound=Model)
Any_ = TypeVar("Any_")
Item = TypeVar("Item")


def page_of_rows(
    request: HttpRequest, rows: QuerySet[Row], asked: Paged, item: Callable[[Row], Item]
) -> Page[Item]:
    """The part of a query that was asked for; the key settles the order of equals."""
    ordering = tuple(rows.query.order_by or rows.model._meta.ordering or ())
    part = rows.order_by(*ordering, "pk")[asked.offset : asked.offset + asked.limit]
    return _page(request, rows.count(), asked, [item(row) for row in part])


def page_of(
    request: HttpRequest, found: Sequence[Any_], asked: Paged, item: Callable[[Any_], Item]
) -> Page[Item]:
    """The part of a list that was asked for."""
    part = found[asked.offset : asked.offset + asked.limit]
    return _page(request, len(found), asked, [item(each) for each in part])


def _page(request: HttpRequest, count: int, asked: Paged, items: list[Any]) -> Page[Any]:
    follows = asked.offset + asked.limit
    address = None
    if follows < count:
        query = request.GET.copy()
        query["offset"], query["limit"] = str(follows), str(asked.limit)
        address = f"{base_of(request)}{request.path}?{query.urlencode()}"
    return Page(count=count, limit=asked.limit, offset=asked.offset, next=address, items=items)
