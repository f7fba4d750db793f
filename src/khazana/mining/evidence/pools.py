"""Pools' statements held to the chain: which output paid which site, and what does not fit.

Rules E15 to E17 of docs/spec/mining-evidence.md.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from khazana.bitcoin.address import script_of
from khazana.bitcoin.chain import ConfirmedTransaction
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint
from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.ledger.tables import Row, read_table
from khazana.mining.arrivals import Claim, MinedPosting
from khazana.mining.evidence.problems import EvidenceProblems
from khazana.units import Sats, Txid, sats_from_btc

PAYOUT_COLUMNS = (
    "pool",
    "document",
    "site",
    "from",
    "until",
    "txid",
    "vout",
    "address",
    "amount_btc",
)
_REQUIRED = tuple(c for c in PAYOUT_COLUMNS if c not in ("txid", "vout"))
_BTC = re.compile(r"(0|[1-9][0-9]{0,7})(\.[0-9]{1,8})?", re.ASCII)
_VOUT = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPayout:
    """A line of a pool's statement: so much was paid to an address for a site's work.

    first, until: the work was done in [first, until), seconds since 1970. outpoint: which output
    paid it; None where the pool does not say.
    """

    pool: str
    document: str
    site: str
    first: int
    until: int
    outpoint: OutPoint | None
    script: bytes
    address: str
    amount: Sats
    line: int

    @property
    def month(self) -> str:
        """The month (UTC) in which the work began: where the payout counts."""
        return datetime.fromtimestamp(self.first, UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A payout and the output that paid it."""

    payout: PoolPayout
    outpoint: OutPoint


@dataclass(frozen=True, kw_only=True)
class PoolAudit:
    """What a pool's statement comes to. arrivals: only lines without a finding."""

    arrivals: tuple[Arrival, ...]
    findings: tuple[Finding, ...]

    def claims(self, account_of: Mapping[bytes, str]) -> tuple[Claim, ...]:
        """Each site's payouts by transaction and account, several outputs of one added up."""
        sums: dict[tuple[str, str, Txid, str], int] = defaultdict(int)
        for arrival in self.arrivals:
            payout = arrival.payout
            account = account_of[payout.script]
            key = payout.site, payout.month, arrival.outpoint.txid, account
            sums[key] += payout.amount
        return tuple(
            Claim(site, month, MinedPosting(txid, account, Sats(amount)))
            for (site, month, txid, account), amount in sums.items()
        )


def read_payouts(name: str, raw: bytes, *, network: Network) -> tuple[PoolPayout, ...]:
    """The lines of pools' statements in a CSV file; `EvidenceRefused` when one is malformed."""
    problems = EvidenceProblems()
    rows = read_table(name, raw, columns=PAYOUT_COLUMNS, required=_REQUIRED, problems=problems)
    payouts = [_payout(row, network) for row in rows]
    seen: dict[tuple[str, str], int] = {}
    for row, payout in zip(rows, payouts, strict=True):
        key = payout.pool, payout.document
        if key in seen and payout.document:
            text = f"{payout.document} of {payout.pool} stands in line {seen[key]} already"
            row.wrong("document", text)
        seen.setdefault(key, row.line)
    problems.refuse_if_any(name)
    return tuple(payouts)


def _payout(row: Row, network: Network) -> PoolPayout:
    first, until = row.time("from"), row.time("until")
    if row.cells["from"] and row.cells["until"] and until <= first:
        row.wrong("until", "is not after the beginning")
    return PoolPayout(
        pool=row.identifier("pool"),
        document=row.identifier("document"),
        site=row.identifier("site"),
        first=_seconds(first),
        until=_seconds(until),
        outpoint=_outpoint(row),
        script=_script(row, network),
        address=row.cells["address"],
        amount=_amount(row),
        line=row.line,
    )


def _outpoint(row: Row) -> OutPoint | None:
    txid, vout = row.maybe_hash("txid"), row.maybe("vout")
    if (txid is None) != (vout is None):
        missing = "vout" if vout is None else "txid"
        row.wrong(missing, "is empty: an output is named by both, or by neither")
    if txid is None or vout is None:
        return None
    if not _VOUT.fullmatch(vout):
        row.wrong("vout", f"{vout!r} is not the number of an output")
        return None
    return OutPoint(Txid(txid), int(vout))


def _script(row: Row, network: Network) -> bytes:
    address = row.text("address")
    if not address:
        return b""
    try:
        return script_of(address, network)
    except KhazanaError as wrong:
        row.wrong("address", str(wrong))
        return b""


def _amount(row: Row) -> Sats:
    text = row.text("amount_btc")
    if text and not _BTC.fullmatch(text):
        what = "a payout is not negative" if text.startswith("-") else "write BTC as 0.12345678"
        row.wrong("amount_btc", f"{text[:40]!r}: {what}")
        return Sats(0)
    try:
        amount = sats_from_btc(Decimal(text or "0"))
    except ValueError as wrong:
        row.wrong("amount_btc", str(wrong))
        return Sats(0)
    if text and not amount:
        row.wrong("amount_btc", "is nothing")
    return amount


def _seconds(at: datetime) -> int:
    return max(0, int(at.timestamp())) if at.year >= 1970 else 0


def audit_payouts(
    payouts: Sequence[PoolPayout],
    history: Iterable[ConfirmedTransaction],
    *,
    scripts: frozenset[bytes],
    file: str,
) -> PoolAudit:
    """Which output paid each line, and every line for which that cannot be said.

    history: the transactions of the programme's scripts, as a chain shows them. A line that names
    its output is bound to it. One that does not takes the only free output with its script and
    amount; where several fit, or several lines fit one, none is chosen.
    """
    outputs: dict[OutPoint, tuple[bytes, int]] = {}
    for confirmed in history:
        for vout, output in enumerate(confirmed.transaction.outputs):
            if output.script in scripts:
                outpoint = confirmed.transaction.outpoint(vout)
                outputs[outpoint] = output.script, output.amount
    findings: list[Finding] = []
    wanted: dict[OutPoint, list[PoolPayout]] = defaultdict(list)
    loose: list[PoolPayout] = []
    for payout in payouts:
        if payout.script not in scripts:
            text = f"paid to {payout.address}, which is none of the programme's"
            findings.append(Finding("E17", text, _place(file, payout)))
        elif payout.outpoint is None:
            loose.append(payout)
        elif outputs.get(payout.outpoint) != (payout.script, payout.amount):
            text = _not_shown(payout, outputs.get(payout.outpoint))
            findings.append(Finding("E15", text, _place(file, payout)))
        else:
            wanted[payout.outpoint].append(payout)
    bound = frozenset(wanted)
    for payout in loose:
        fitting = [
            outpoint
            for outpoint, found in outputs.items()
            if found == (payout.script, payout.amount) and outpoint not in bound
        ]
        if len(fitting) == 1:
            wanted[fitting[0]].append(payout)
        else:
            findings.append(_unclear(file, payout, fitting, wanted, bound))
    arrivals: list[Arrival] = []
    for outpoint, claimants in wanted.items():
        if len(claimants) == 1:
            arrivals.append(Arrival(payout=claimants[0], outpoint=outpoint))
        else:
            findings += _contested(file, outpoint, claimants)
    findings.sort(key=lambda f: int(f.where.split("line ")[1].split(",")[0]))
    return PoolAudit(arrivals=tuple(arrivals), findings=tuple(findings))


def _not_shown(payout: PoolPayout, found: tuple[bytes, int] | None) -> str:
    if found is None:
        return f"the chain shows no output {payout.outpoint} to the programme"
    if found[0] != payout.script:
        return f"output {payout.outpoint} pays another address than {payout.address}"
    return f"output {payout.outpoint} holds {found[1]} sat, stated are {payout.amount} sat"


def _unclear(
    file: str,
    payout: PoolPayout,
    fitting: Sequence[OutPoint],
    wanted: Mapping[OutPoint, Sequence[PoolPayout]],
    bound: frozenset[OutPoint],
) -> Finding:
    where = _place(file, payout)
    if fitting:
        listed = ", ".join(map(str, fitting[:3])) + (", …" if len(fitting) > 3 else "")
        text = f"{len(fitting)} outputs fit it ({listed}); the pool must name its own"
        return Finding("E16", text, where)
    for outpoint in bound:
        for other in wanted[outpoint]:
            if (other.script, other.amount) == (payout.script, payout.amount):
                text = f"the only output that fits, {outpoint}, is line {other.line}'s"
                return Finding("E16", f"{text} ({_whose(payout, other)})", where)
    text = f"the chain shows no output of {payout.amount} sat to {payout.address}"
    return Finding("E15", text, where)


def _contested(file: str, outpoint: OutPoint, claimants: Sequence[PoolPayout]) -> Iterator[Finding]:
    first, *others = claimants
    for other in others:
        text = f"output {outpoint} is line {first.line}'s already ({_whose(other, first)})"
        yield Finding("E16", f"{text}; neither counts", _place(file, other))


def _whose(one: PoolPayout, other: PoolPayout) -> str:
    if one.site != other.site:
        return f"it matches two sites, {other.site} and {one.site}"
    return f"counted twice for {one.site}"


def _place(file: str, payout: PoolPayout) -> str:
    return f"{file}, line {payout.line}, {payout.document} of {payout.pool}"
