"""What an open desk hears within seconds: the newest block, and blocks that others replaced.

A stream belongs to a session: it ends with it, and does not keep it alive.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection
from django.utils import timezone

from khazana.portal.accounts.models import Person
from khazana.portal.formatting.dates import instant_text
from khazana.portal.tasks.models import TipRow

LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
"""A comment this often tells a proxy, and the socket, whether anybody still listens."""
MOST_STREAMS = 100
"""Open desks of one process; more are told to come again, and see the news on reloading."""
AGAIN_MILLISECONDS = 5_000


@dataclass(frozen=True, slots=True)
class Listener:
    """Whose stream it is. under: what the session was begun under (`Person` knows)."""

    session: str
    person: int
    under: str


@dataclass(frozen=True, slots=True)
class News:
    """The newest tip; replaced_from: the height above which earlier blocks left the best chain."""

    number: int
    height: int
    hash: str
    seen_at: datetime
    replaced_from: int | None


class Streams:
    """How many are open in this process; one event loop serves them all."""

    open = 0


def newest() -> News | None:
    row = TipRow.objects.first()
    if row is None:
        return None
    return News(row.pk, row.height, row.hash, row.seen_at, row.replaced_from)


def still_listens(listener: Listener, *, now: datetime) -> bool:
    """Whether the session lives: not ended, its person, role, password and keys as then."""
    if not Session.objects.filter(pk=listener.session, expire_date__gt=now).exists():
        return False
    person = Person.objects.filter(pk=listener.person, is_active=True).first()
    return person is not None and person.get_session_auth_hash() == listener.under


def heard(listener: Listener, language: str) -> tuple[bool, News | None, str]:
    """One look into the database: whether the session lives, the newest tip, its time in words."""
    _renew_connection()
    try:
        if not still_listens(listener, now=timezone.now()):
            return False, None, ""
        found = newest()
        said = "" if found is None else instant_text(found.seen_at, language=language)
        return True, found, said
    finally:
        _renew_connection()


def _renew_connection() -> None:
    """A stream lives longer than a connection may; inside a transaction it is left alone."""
    if not connection.in_atomic_block:
        close_old_connections()


async def stream(listener: Listener, language: str) -> AsyncIterator[bytes]:
    """Server-sent events (WHATWG HTML, 9.2): `tip` whenever there is another newest block."""
    if Streams.open >= MOST_STREAMS:
        yield b"retry: 60000\n\n"
        return
    Streams.open += 1
    try:
        yield f"retry: {AGAIN_MILLISECONDS}\n\n".encode()
        told, waited = -1, 0.0
        while True:
            lives, found, said = await sync_to_async(heard)(listener, language)
            if not lives:
                yield b"event: over\ndata: {}\n\n"
                return
            if found is not None and found.number != told:
                told = found.number
                yield _event(found, said)
            elif waited >= BEAT_SECONDS:
                waited = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
    finally:
        Streams.open -= 1


def _event(news: News, said: str) -> bytes:
    data = {
        "height": news.height,
        "hash": news.hash,
        "seen": said,
        "replaced_from": news.replaced_from,
    }
    return f"id: {news.number}\nevent: tip\ndata: {json.dumps(data)}\n\n".encode()
