"""What pools, receipts and coinbases show of a site's bitcoin, against what its part states."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.ledger.findings import Finding
from khazana.mining.arrivals import MinedPosting
from khazana.mining.checks_metering import Shown, place
from khazana.mining.evidence.coinbases import own_block_findings
from khazana.mining.evidence.metering import PAYOUTS, Metering
from khazana.mining.evidence.pools import Arrival, audit_payouts, read_payouts
from khazana.mining.figures import ALONE, seconds_of
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody, exact, posting_of
from khazana.mining.receipts.chain_slots import slots_on_chain
from khazana.mining.receipts.receipt import ReceiptsFile, work_of_target
from khazana.mining.receipts.terms import ReceiptTerms
from khazana.mining.receipts.verify import audit_each
from khazana.units import Sats, Txid

Accounts = Mapping[str, frozenset[bytes]]
"""The scripts of the wallets that a statement declares, by id."""


def payout_findings(
    shown: Sequence[Shown],
    bodies: Sequence[MiningBody],
    metering: Sequence[Metering],
    *,
    chain: ChainView,
    until: BlockRef,
    accounts: Accounts,
) -> Iterator[Finding]:
    """Rules E15 to E17 and E36: pools' lines are outputs of the chain, and the month's payouts."""
    scripts = _scripts(bodies, accounts)
    account_of = {script: name for name, listed in accounts.items() for script in listed}
    # Up to the tip: a pool's file may go on after the statement's closing block.
    tip = chain.tip()
    history = list(chain.history(scripts, None, tip)) if metering else []
    booked = {c.txid for c in history if c.block.height <= until.height}
    found: dict[str, tuple[Arrival, ...]] = {}
    for given in metering:
        if PAYOUTS not in given.files:
            continue
        name, raw = given.files[PAYOUTS]
        payouts = read_payouts(name, raw, network=chain.network)
        audit = audit_payouts(payouts, history, scripts=scripts, file=name)
        yield from audit.findings
        digest = given.digest(PAYOUTS) or ""
        if digest in found:
            continue
        found[digest] = audit.arrivals
        for arrival in audit.arrivals:
            yield from _unstated(name, arrival, bodies)
    for body, month, given in shown:
        if month.pool is None or PAYOUTS not in given.files:
            continue
        where = place(body, month)
        if month.pool.file not in found:
            text = f"its pool's statement is another file than {given.files[PAYOUTS][0]}"
            yield Finding("E36", text, where)
            continue
        own = [a for a in found[month.pool.file] if _is_of(a, body, month)]
        amount = sum(arrival.payout.amount for arrival in own)
        if (month.pool.payouts, month.pool.amount_sat) != (len(own), amount):
            text = (
                f"the pool is said to have paid {month.pool.amount_sat} sat in "
                f"{month.pool.payouts} payouts; its statement has {amount} sat in {len(own)}"
            )
            yield Finding("E36", text, where)
        said = {posting_of(arrival) for arrival in month.arrivals}
        paid = set(_postings([a for a in own if a.outpoint.txid in booked], account_of))
        for posting in sorted(said - paid):
            yield Finding("E36", f"the pool's statement does not have {posting}", where)
        for posting in sorted(paid - said):
            yield Finding("E36", f"the month does not count {posting}, which the pool paid", where)


def _unstated(name: str, arrival: Arrival, bodies: Sequence[MiningBody]) -> Iterator[Finding]:
    """A payout for a month that does not state its pool's statement, for it would tell more."""
    for body in bodies:
        for month in body.months:
            if month.pool is None and _is_of(arrival, body, month):
                payout = arrival.payout
                text = f"{body.site}, month {month.month} does not state this payout's file"
                yield Finding("E36", text, f"{name}, line {payout.line}, {payout.document}")


def _is_of(arrival: Arrival, body: MiningBody, month: MonthBody) -> bool:
    first = arrival.payout.first
    return arrival.payout.site == body.site and seconds_of(month.first) <= first < seconds_of(
        month.until
    )


def _postings(
    arrivals: Sequence[Arrival], account_of: Mapping[bytes, str]
) -> Iterator[MinedPosting]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for arrival in arrivals:
        sums[arrival.outpoint.txid, account_of[arrival.payout.script]] += arrival.payout.amount
    for (txid, account), amount in sums.items():
        yield MinedPosting(txid=_txid(txid), account=account, amount=Sats(amount))


def receipt_findings(
    shown: Sequence[Shown],
    *,
    chain: ChainView,
    accounts: Accounts,
) -> Iterator[Finding]:
    """Rules E20 to E27 and E37: the receipts prove the work that the month states."""
    behind = [(b, m, _receipts_of(m, given)) for b, m, given in shown if m.receipts is not None]
    files = [file for _, _, file in behind if file is not None]
    slots = slots_on_chain(chain, files)
    pairs: list[tuple[ReceiptsFile, ReceiptTerms]] = []
    rows: list[tuple[MiningBody, MonthBody]] = []
    for body, month, file in behind:
        if file is None or month.receipts is None:
            continue
        if file.site != body.site:
            text = f"its receipts ({file.file}) are of site {file.site}"
            yield Finding("E37", text, place(body, month))
            continue
        target = int(month.receipts.target, 16)
        scripts = _scripts([body], accounts)
        terms = ReceiptTerms(site=body.site, scripts=scripts, slots=slots, target=target)
        pairs.append((file, terms))
        rows.append((body, month))
    for (body, month), (file, terms), audit in zip(rows, pairs, audit_each(pairs), strict=True):
        yield from audit.findings
        stated = month.receipts
        if stated is None:
            continue
        where = place(body, month)
        first, until = seconds_of(month.first), seconds_of(month.until)
        late = sum(not first <= r.parsed_header.time < until for r in file.receipts)
        if late:
            yield Finding("E37", f"{late} receipts were made in another time", where)
        shares = len(audit.counted)
        hashes = shares * work_of_target(terms.target)
        if (stated.shares, stated.hashes) != (shares, str(hashes)):
            text = (
                f"{stated.shares} shares of {stated.hashes} hashes are stated; the receipts "
                f"prove {shares} of {hashes}"
            )
            yield Finding("E37", text, where)


def _receipts_of(month: MonthBody, given: Metering) -> ReceiptsFile | None:
    return None if month.receipts is None else given.receipts.get(month.receipts.file)


def own_blocks_findings(
    bodies: Sequence[MiningBody], *, chain: ChainView, until: BlockRef, accounts: Accounts
) -> Iterator[Finding]:
    """Rule E18: what a site says it mined alone are coinbases that name it and pay only us."""
    for body in bodies:
        months = [month for month in body.months if month.payout in ALONE]
        wanted = {a.txid: month for month in months for a in month.arrivals}
        if not wanted:
            continue
        scripts = _scripts([body], accounts)
        history = {c.txid: c for c in chain.history(scripts, None, until)}
        for txid, month in wanted.items():
            confirmed = history.get(_txid(txid))
            if confirmed is None:
                text = f"the chain shows no transaction {txid} to its accounts"
                yield Finding("E18", text, place(body, month))
                continue
            headers = chain.headers(confirmed.block.height, confirmed.block)
            yield from own_block_findings(
                [confirmed], headers, sites=[body.site], scripts=scripts, network=chain.network
            )


def proved_j_per_th(body: MiningBody, month: MonthBody) -> Fraction | None:
    """Joules per terahash if the month's energy made the work that receipts prove (rule E44)."""
    if month.receipts is None or not int(month.receipts.hashes):
        return None
    joules = Fraction(month.low_wh + month.high_wh, 2) * 3600 / exact(body.pue.value)
    return joules * 10**12 / int(month.receipts.hashes)


def _scripts(bodies: Sequence[MiningBody], accounts: Accounts) -> frozenset[bytes]:
    listed = [accounts.get(name, frozenset()) for body in bodies for name in body.accounts]
    return frozenset().union(*listed)


def _txid(text: str) -> Txid:
    return Txid(text)
