"""The queue as people see it, and the news that open desks hear while their session lives."""

import json
from datetime import timedelta

import pytest

pytest.importorskip("allauth")

from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from khazana.portal.accounts.invitations import change_person
from khazana.portal.accounts.models import Person
from khazana.portal.audit.models import ActRow
from khazana.portal.tasks import news
from khazana.portal.tasks.jobs import check_newest
from khazana.portal.tasks.models import LeaseRow, TipRow
from khazana.portal.tasks.news import Listener, still_listens, stream
from khazana.portal.tasks.worker import MOST_ATTEMPTS, Worker
from tests.portal.desk.counting_jobs import fail

PAGE = "/en/desk/background/"


def given_up():
    """A task that failed as often as it may."""
    fail.enqueue("boom")
    row = DBTaskResult.objects.get()
    worker = Worker("w")
    for _ in range(MOST_ATTEMPTS):
        DBTaskResult.objects.update(run_after=timezone.now())
        assert worker.step()
    row.refresh_from_db()
    assert row.status == TaskResultStatus.FAILED
    return row


@pytest.mark.django_db
def test_what_was_given_up_stands_there_with_its_reason_and_is_tried_again_by_hand(signed_in):
    row = given_up()
    check_newest.enqueue()
    page = signed_in("viewer").get(PAGE).content.decode()
    assert "given up" in page
    assert "check_newest" in page
    assert "Try again" not in page
    operator = signed_in("operator")
    assert "Try again" in operator.get(PAGE).content.decode()
    again = f"{PAGE}{row.pk}/again/"
    assert signed_in("viewer").post(again).status_code == 403
    assert operator.post(again).status_code == 302
    row.refresh_from_db()
    assert row.status == TaskResultStatus.READY
    assert not LeaseRow.objects.filter(pk=row.pk).exists()
    assert ActRow.objects.filter(action="task begun again", actor="the-operator").count() == 1
    refused = operator.post(again)
    assert (refused.status_code, "it is ready" in refused.content.decode()) == (422, True)
    nobody = "00000000-0000-0000-0000-000000000000"
    assert operator.post(f"{PAGE}{nobody}/again/").status_code == 404


def listener_of(client):
    return Listener(
        session=client.session.session_key,
        person=client.person.pk,
        under=client.person.get_session_auth_hash(),
    )


def tip(height, *, replaced_from=None):
    return TipRow.objects.create(
        network="regtest", height=height, hash=f"{height:064x}", seen_at=timezone.now(),
        replaced_from=replaced_from,
    )  # fmt: skip


def told(event):
    name = event.decode().split("event: ")[1].split("\n")[0]
    return name, json.loads(event.decode().split("data: ")[1].split("\n")[0])


@pytest.mark.django_db
def test_an_open_desk_hears_new_blocks_and_replaced_ones_until_the_session_ends(
    signed_in, monkeypatch
):
    monkeypatch.setattr(news, "LOOK_SECONDS", 0.01)
    listener = listener_of(signed_in("viewer"))
    tip(100)

    async def heard():
        events = stream(listener, "en")
        assert (await anext(events)).startswith(b"retry:")
        first = told(await anext(events))
        await sync_to_async(tip)(101, replaced_from=99)
        second = told(await anext(events))
        await sync_to_async(change_person)("the-viewer", role="auditor", by="console:root")
        third = told(await anext(events))
        ended = [event async for event in events]
        return first, second, third, ended

    first, second, third, ended = async_to_sync(heard)()
    assert (first[0], first[1]["height"], first[1]["replaced_from"]) == ("tip", 100, None)
    assert (second[1]["height"], second[1]["replaced_from"]) == (101, 99)
    assert (third, ended) == (("over", {}), [])
    assert news.Streams.open == 0


@pytest.mark.django_db
def test_a_full_house_is_told_to_come_again(signed_in, monkeypatch):
    monkeypatch.setattr(news, "MOST_STREAMS", 0)
    listener = listener_of(signed_in("viewer"))

    async def heard():
        return [event async for event in stream(listener, "en")]

    assert async_to_sync(heard)() == [b"retry: 60000\n\n"]


@pytest.mark.django_db
def test_a_stream_does_not_keep_a_session_alive(signed_in):
    from django.contrib.sessions.models import Session

    client = signed_in("viewer")
    before = Session.objects.get().expire_date
    answer = client.get("/en/desk/news/")
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["Cache-Control"] == "no-store, private"
    assert Session.objects.get().expire_date == before
    assert client.get("/en/desk/").status_code == 200
    assert Session.objects.get().expire_date > before


@pytest.mark.django_db
def test_a_closed_account_or_an_ended_session_hears_nothing(signed_in):
    client = signed_in("viewer")
    listener, now = listener_of(client), timezone.now()
    assert still_listens(listener, now=now)
    assert not still_listens(listener, now=now + timedelta(minutes=31))
    Person.objects.update(is_active=False)
    assert not still_listens(listener, now=now)
