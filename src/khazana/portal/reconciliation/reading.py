"""Reading the office's wallets from the chain: a job of the worker, and what it keeps."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.block_names import block_named
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.ledger.office import Office, OfficeFile
from khazana.ledger.resolve import resolve, scripts_by
from khazana.portal.desk.office_store import files_sha256, stored
from khazana.portal.reconciliation.models import PostingRow, ReadingRow
from khazana.portal.tasks.worker import Effect
from khazana.reserve.reconciliation import BooksRead, ReadPosting, gather_all, read_books

UNFINISHED = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


def office_on(chain: ChainView, file: OfficeFile) -> Office:
    """The office with its blocks found in the chain and its scripts derived."""
    zone = ZoneInfo(file.rules.timezone)
    engine = scripts_by(best_engine(), file.network)
    return resolve(file, lambda name: block_named(chain, name, zone=zone), engine)


@task()
def read_postings() -> Effect:
    """Match the whole history with all documents; where neither changed, nothing is done."""
    if not settings.DESK_SOURCE:
        return Effect(dict)
    files, office = files_sha256(), stored().office
    if office is None or not office.wallets:
        return Effect(dict)
    chain = open_chain(settings.DESK_SOURCE)
    tip = chain.tip()
    if ReadingRow.objects.filter(files=files, block_hash=tip.hash).exists():
        return Effect(lambda: {"height": tip.height})
    resolved = office_on(chain, office)
    books = read_books(resolved, gather_all(chain, resolved))

    def store() -> dict[str, Any]:
        keep(books, files=files)
        return {"height": books.until.height, "unexplained": len(books.unexplained)}

    return Effect(store)


def ask_for_reading() -> None:
    """Put a reading into the queue, unless one waits there."""
    waiting = DBTaskResult.objects.filter(
        task_path=read_postings.module_path, status__in=UNFINISHED
    )
    if not waiting.exists():
        read_postings.enqueue()


def keep(books: BooksRead, *, files: str) -> None:
    """Replace what was read before."""
    PostingRow.objects.all().delete()
    PostingRow.objects.bulk_create(
        [_row(number, posting) for number, posting in enumerate(books.postings)], batch_size=500
    )
    values = {
        "at": timezone.now(),
        "height": books.until.height,
        "block_hash": books.until.hash,
        "files": files,
        "findings": [finding_shown(f.rule, f.text, f.where) for f in books.findings],
    }
    ReadingRow.objects.update_or_create(pk=1, defaults=values)


def finding_shown(rule: str, text: str, where: str) -> dict[str, str]:
    return {"rule": rule, "text": text, "where": where}


def line_shown(posting: ReadPosting) -> dict[str, Any]:
    """A line as a proposal keeps it, and as people confirm it."""
    return {
        "txid": posting.txid,
        "height": posting.block.height,
        "wallet": posting.wallet,
        "amount": posting.amount,
        "reason": posting.reason.value,
        "rule": posting.rule,
        "document": posting.document or "",
    }


def lines_shown(postings: Sequence[ReadPosting]) -> list[dict[str, Any]]:
    return [line_shown(posting) for posting in postings]


def _row(number: int, posting: ReadPosting) -> PostingRow:
    return PostingRow(
        height=posting.block.height,
        position=number,
        time=posting.time,
        txid=posting.txid,
        wallet=posting.wallet,
        coinbase=posting.coinbase,
        amount=posting.amount,
        reason=posting.reason.value,
        rule=posting.rule,
        document=posting.document or "",
        counterpart=posting.counterpart or "",
        addresses=list(posting.addresses),
        candidates=[
            {
                "document": each.document,
                "rule": each.rule,
                "misfits": [misfit.value for misfit in each.misfits],
                "difference": each.difference,
                "days": each.days,
            }
            for each in posting.candidates
        ],
        unexplained=posting.unexplained,
    )
