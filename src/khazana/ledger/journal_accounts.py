"""The chart of accounts of the journal: names that bookkeeping programs accept, one per account."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from khazana.ledger.accounts import CustodialAccount, Lane, Wallet
from khazana.ledger.documents import Reason

OPENING = "Equity:Opening"
LOSSES = "Equity:Losses"
RESTATEMENTS = "Equity:Restatements"
ATTESTED = "Equity:Attested-changes"
"""What custodians attested beyond what the chain shows going to them and coming back."""


@dataclass(frozen=True)
class Chart:
    """Account names (beancount's grammar, which others accept too) for wallets and accounts.

        Assets:Bitcoin:ENTITY:WALLET:LANE      the chain's holdings, by legal lane
        Assets:Corrections:ENTITY:WALLET       what the books add to them: losses, restatements
        Assets:Custodians:ENTITY:ACCOUNT       what custodians hold
        Equity:Outside:REASON                  everybody else, by documented reason
        Equity:Issuance:REASON                 where coinbases come from

    The other sides stand under Equity: whether a receipt is income is the office's accounting
    standard's decision, not the chain's.
    """

    wallet_names: dict[str, str]
    custodial_names: dict[str, str]

    @classmethod
    def of(cls, wallets: Sequence[Wallet], accounts: Sequence[CustodialAccount] = ()) -> "Chart":
        """Names for these wallets and accounts; equal names are told apart by a hash of the id."""
        entities = _safe_names(
            {w.entity for w in wallets} | {account.entity for account in accounts}
        )
        names = _safe_names(w.id for w in wallets)
        custodial = _safe_names(account.id for account in accounts)
        return cls(
            {w.id: f"{entities[w.entity]}:{names[w.id]}" for w in wallets},
            {a.id: f"{entities[a.entity]}:{custodial[a.id]}" for a in accounts},
        )

    def wallet(self, wallet: str) -> str:
        """The wallet, all lanes together."""
        return f"Assets:Bitcoin:{self.wallet_names[wallet]}"

    def lane(self, wallet: str, lane: Lane) -> str:
        return f"{self.wallet(wallet)}:{_capitalised(lane.value)}"

    def correction(self, account: str) -> str:
        name = self.wallet_names.get(account) or self.custodial_names[account]
        return f"Assets:Corrections:{name}"

    def custodial(self, account: str) -> str:
        return f"Assets:Custodians:{self.custodial_names[account]}"

    def outside(self, reason: Reason) -> str:
        return f"Equity:Outside:{_capitalised(reason.value)}"

    def issuance(self, reason: Reason) -> str:
        return f"Equity:Issuance:{_capitalised(reason.value)}"


def _capitalised(word: str) -> str:
    """An id as an account's name: starts with a capital or a digit, then letters, digits, '-'.

    >>> _capitalised("cold_storage.2")
    'Cold-storage-2'
    """
    safe = re.sub(r"[^A-Za-z0-9-]", "-", word)
    return safe[:1].upper() + safe[1:] if safe[:1].isalnum() else f"X{safe}"


def _safe_names(ids: Iterable[str]) -> dict[str, str]:
    """A name for each id, never the same for two, whatever the order the ids come in."""
    wanted = {id_: _capitalised(id_) for id_ in sorted(set(ids))}
    names = list(wanted.values())
    for id_, name in wanted.items():
        if names.count(name) > 1:
            wanted[id_] = f"{name}-{hashlib.sha256(id_.encode()).hexdigest()[:8]}"
    if len(set(wanted.values())) != len(wanted):
        raise ValueError("two ids have the same account name; rename one of them")
    return wanted
