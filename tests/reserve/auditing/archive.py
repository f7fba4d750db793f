"""Working papers for tests: an audit of a story's statement, as a desk would write them."""

from functools import cache

from khazana.reserve.auditing import papers
from khazana.reserve.auditing.announcement import (
    announce,
    sample_by,
    write_announcement,
    write_sample,
)
from khazana.reserve.auditing.check import ANNOUNCED, DREW
from khazana.reserve.auditing.engagement import (
    Engagement,
    Finding,
    Findings,
    PaperFile,
    Request,
    RequestEntry,
    Requests,
    write_paper,
)
from khazana.reserve.auditing.population import population_of, write_population
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.acts import FIRST_PREVIOUS, Act, write_acts
from khazana.statement.keys import public_bytes
from khazana.statement.opinions import Opinion, sign_opinion
from khazana.statement.times import write_instant
from khazana.units import Height
from tests.reserve.simulator import NOW, keys
from tests.reserve.world import story

AT = write_instant(NOW)
(AUDITOR,) = keys("auditor", 1)
VOUCHER = b"a receipt on paper\n"
VOUCHER_SHA256 = "ff83efb7a01dffe579f917b70941075165c5b1518349b1e09205ad647a7ab434"
STATEMENT = read_reserve_statement(story().second)


def acts_of(*told):
    """A log in one chain of (action, subject)."""
    made, previous = [], FIRST_PREVIOUS
    for number, (action, subject) in enumerate(told, 1):
        act = Act(number=number, at=NOW, actor="anna", action=action, subject=subject,
                  previous=previous)  # fmt: skip
        made.append(act)
        previous = act.digest
    return b"".join(write_acts(made))


def opinion_on(root, key=AUDITOR):
    made = Opinion(
        root=root, auditor="Examiners", public=public_bytes(key).hex(), opinion="unqualified",
        scope={"en": "the period"}, excluded={"en": "undeclared wallets"}, qualifications=[],
        materiality=1000, dated=AT,
    )  # fmt: skip
    return made, sign_opinion(made, key)


@cache
def announced():
    """A sample of 3 postings, announced 3 blocks before the closing block, which drew it."""
    chain, end = story().world.chain, story().end
    return announce(
        STATEMENT, population_of(STATEMENT, "postings"), method="monetary-unit", size=3,
        height=end.height, tip=chain.block_at(Height(end.height - 3)), by="anna", at=NOW,
    )  # fmt: skip


def files():
    """Everything in the archive; a test changes it before it is written."""
    announcement = announced()
    population = population_of(STATEMENT, "postings")
    sample = sample_by(announcement, population, story().end)
    opinion, signed = opinion_on(STATEMENT.root)
    voucher = PaperFile(name="receipt.txt", sha256=VOUCHER_SHA256, bytes=len(VOUCHER))
    engagement = Engagement(
        root=STATEMENT.root, auditor="Examiners", key=opinion.key, scope="the period",
        materiality=1000, opened_by="anna", opened_at=AT,
    )  # fmt: skip
    entries = [
        RequestEntry(step="asked", by="anna", at=AT, text="The receipt?", files=[]),
        RequestEntry(step="answered", by="amina", at=AT, text="Here.", files=[voucher]),
        RequestEntry(step="accepted", by="anna", at=AT, text="", files=[]),
    ]
    finding = Finding(
        sample=announcement.sha256, item=sample.items[0].id, outcome="agrees", note="seen",
        paper=voucher, by="anna", at=AT,
    )  # fmt: skip
    return {
        papers.ENGAGEMENT: write_paper(engagement),
        papers.STATEMENT: story().second,
        papers.REQUESTS: write_paper(
            Requests(requests=[Request(number=1, due="2026-12-01", entries=entries)])
        ),
        papers.FINDINGS: write_paper(Findings(findings=[finding])),
        "announcements/1.json": write_announcement(announcement),
        "populations/1.json": write_population(population),
        "samples/1.json": write_sample(sample),
        f"files/{VOUCHER_SHA256}": VOUCHER,
        papers.OPINION: signed,
        papers.LOG: acts_of((ANNOUNCED, announcement.sha256), (DREW, announcement.sha256)),
    }
