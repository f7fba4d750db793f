"""Bitcoin that arrived from mining, as the books show it, laid to sites and months."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.ledger.findings import Finding
from khazana.units import Sats, Txid


@dataclass(frozen=True, slots=True, order=True)
class MinedPosting:
    """One line of the books with the reason `mined`: an account rose by a transaction."""

    txid: Txid
    account: str
    amount: Sats

    def __str__(self) -> str:
        return f"{self.amount} sat to {self.account} in transaction {self.txid}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A site's word that a posting is its payout for a month (`2026-01`)."""

    site: str
    month: str
    posting: MinedPosting


def arrival_findings(
    claims: Sequence[Claim],
    postings: Iterable[MinedPosting],
    *,
    accounts: Mapping[str, frozenset[str]],
) -> Iterator[Finding]:
    """Rule E32: every posting of the sites' accounts is one site's payout for one month, and every
    payout is a posting.

    accounts: of each site, into which its bitcoin arrives; sites may share one.
    """
    booked = frozenset(postings)
    claimed: dict[MinedPosting, Claim] = {}
    for claim in claims:
        where = f"site {claim.site}, month {claim.month}"
        posting = claim.posting
        if posting.account not in accounts.get(claim.site, frozenset()):
            text = f"{posting}: the account is none of the site's"
            yield Finding("E32", text, where)
        elif posting not in booked:
            yield Finding("E32", f"the books have no mined {posting}", where)
        first = claimed.setdefault(posting, claim)
        if first is not claim:
            text = f"{posting} is counted already for site {first.site}, month {first.month}"
            yield Finding("E32", text, where)
    watched = frozenset().union(*accounts.values())
    for posting in sorted(booked):
        if posting.account in watched and posting not in claimed:
            yield Finding("E32", f"no site counts {posting}", f"account {posting.account}")
