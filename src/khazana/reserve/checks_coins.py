"""Checks of what moved and what is held: entries, completeness, opening and closing coins.

Each check owns one kind of wrong and takes what the others own as stated, so that a single lie
fails a single check: a hidden transaction is a matter of completeness, and the coins that follow
from the remaining entries are not blamed again.
"""

from collections.abc import Iterator, Mapping

from khazana.bitcoin.chain import BasisKind, Coin
from khazana.bitcoin.network import COINBASE_MATURITY
from khazana.bitcoin.transaction import OutPoint
from khazana.ledger.entries import ChainEntry, CoinPosting, HeldCoin
from khazana.ledger.findings import Finding
from khazana.ledger.perimeters import as_declared, standing_at
from khazana.ledger.postings import held_coins
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import coin_of, descriptor_source
from khazana.reserve.case import Case
from khazana.reserve.gaps import scripts_used, used_in_gap
from khazana.reserve.sets import sets_of
from khazana.units import Height, Sats, btc_from_sats

ACCEPTED_LIMIT = (
    "The opening coins are those of the previous statement; that they are true rests on your "
    "having verified that one."
)
UNSPENT_LIMIT = "That a listed coin was unspent is the word of {source}; your own node would know."


def entries(case: Case) -> Answer:
    """Whether each stated entry is what its transaction did to the declared wallets."""
    case.require("entry")
    findings: list[Finding] = []
    for entry in case.statement.entries:
        where = f"entry {entry.txid}"
        derived = case.chain_entry.get(entry.txid)
        if derived is None:
            text = "the chain shows no such transaction of the declared scripts in the period"
            findings.append(Finding("R5", text, where))
        elif entry != derived:
            findings.extend(Finding("R5", text, where) for text in _differences(entry, derived))
    return answer(
        basis=str(case.facts.basis),
        good=f"{len(case.statement.entries)} entries re-derived from their transactions",
        findings=findings,
    )


def _differences(stated: ChainEntry, derived: ChainEntry) -> Iterator[str]:
    for name in ("block", "position", "coinbase", "fee", "paid_outside"):
        claimed, found = getattr(stated, name), getattr(derived, name)
        if claimed != found:
            yield f"{name.replace('_', ' ')} is stated as {claimed}, the transaction has {found}"
    for side in ("spent", "received"):
        claimed, found = getattr(stated, side), getattr(derived, side)
        if claimed != found:
            yield from _posting_differences(side, claimed, found)


def _posting_differences(
    side: str, stated: tuple[CoinPosting, ...], derived: tuple[CoinPosting, ...]
) -> Iterator[str]:
    claimed = {(p.outpoint, p.wallet): p.amount for p in stated}
    found = {(p.outpoint, p.wallet): p.amount for p in derived}
    for (outpoint, wallet), amount in found.items():
        if (outpoint, wallet) not in claimed:
            yield f"{wallet} {side} {amount} sat with {outpoint}, which the entry leaves out"
        elif claimed[outpoint, wallet] != amount:
            yield (
                f"{wallet} is said to have {side} {claimed[outpoint, wallet]} sat with {outpoint}, "
                f"the transaction has {amount} sat"
            )
    for outpoint, wallet in claimed.keys() - found.keys():
        yield f"{wallet} is said to have {side} {outpoint}, the transaction does not show it"
    if len(stated) != len(claimed) or (claimed == found and stated != derived):
        yield f"the {side} coins are repeated or not in the transaction's order"


def completeness(case: Case) -> Answer:
    """Whether every transaction of the declared scripts in the period has an entry."""
    case.require("entry")
    stated = {entry.txid for entry in case.statement.entries}
    findings = [
        Finding("R6", _omission(entry), f"block {entry.block.height}")
        for entry in case.chain_entries
        if entry.txid not in stated
    ]
    used = scripts_used(case.facts.history)
    for wallet in case.wallets:
        described = case.statement.descriptors.get(wallet.id)
        if described is not None:
            source = descriptor_source(described)
            findings.extend(used_in_gap(wallet.id, source, wallet.scripts, used))
    limits: tuple[str, ...] = ()
    if case.facts.basis.kind is BasisKind.WORD_OF:
        limits = (
            f"A transaction that {case.facts.basis.source} keeps back would not be missed here.",
        )
    return answer(
        basis=str(case.facts.basis),
        good=f"{len(case.chain_entries)} transactions of {len(case.facts.scripts)} declared "
        "scripts, none without an entry",
        findings=findings,
        limits=limits,
    )


def _omission(entry: ChainEntry) -> str:
    gained: dict[str, int] = {}
    for posting in entry.received:
        gained[posting.wallet] = gained.get(posting.wallet, 0) + posting.amount
    for posting in entry.spent:
        gained[posting.wallet] = gained.get(posting.wallet, 0) - posting.amount
    changes = ", ".join(f"{wallet} {amount:+d} sat" for wallet, amount in sorted(gained.items()))
    return f"transaction {entry.txid} ({changes}) has no entry"


def opening(case: Case) -> Answer:
    """Whether the opening coins are those that the wallets held at the end of the opening block."""
    case.require("wallet", "coins")
    findings = list(_coins_listed_twice(case))
    derived = held_coins(case.chain_opening.values(), case.wallets)
    findings.extend(_coin_differences(case.stated_opening, derived, "at the opening block"))
    total = btc_from_sats(Sats(sum(coin.amount for coin in derived.values())))
    limits: tuple[str, ...] = ()
    if case.accept_opening and case.previous is not None:
        basis = f"accepted from the previous statement, root {case.previous.root}"
        limits = (ACCEPTED_LIMIT,)
    else:
        basis = f"re-derived from each script's whole history; {case.facts.basis}"
    return answer(
        basis=basis,
        good=f"{len(derived)} coins, {total} BTC",
        findings=findings,
        limits=limits,
    )


def _coins_listed_twice(case: Case) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for wallet, body in case.statement.coins.items():
        for coin in body.opening:
            if coin.outpoint in seen:
                text = f"coin {coin.outpoint} stands among the opening coins twice"
                yield Finding("R7", f"{text}, first in {seen[coin.outpoint]}", f"wallet {wallet}")
            seen.setdefault(coin.outpoint, wallet)


def _coin_differences(
    stated: Mapping[OutPoint, HeldCoin], derived: Mapping[OutPoint, HeldCoin], when: str
) -> Iterator[Finding]:
    for outpoint, coin in stated.items():
        found = derived.get(outpoint)
        where = f"wallet {coin.wallet}"
        if found is None:
            yield Finding("R7", f"coin {outpoint} of {coin.amount} sat is not there {when}", where)
        elif found != coin:
            text = f"coin {outpoint} is stated as {_coin_words(coin)}, the chain shows "
            yield Finding("R7", f"{text}{_coin_words(found)}", where)
    for outpoint, coin in derived.items():
        if outpoint not in stated:
            text = f"coin {outpoint} of {coin.amount} sat {when} is left out"
            yield Finding("R7", text, f"wallet {coin.wallet}")


def _coin_words(coin: HeldCoin) -> str:
    kind = " mined" if coin.is_coinbase else ""
    return f"{coin.amount} sat of {coin.wallet}{kind} in block {coin.block}"


def closing_coins(case: Case) -> Answer:
    """Whether each closing coin existed and was unspent at the end of the closing block.

    First, from the file: opening coins and entries lead to exactly the closing coins. Then, unless
    opening, entries or completeness failed, the same coins must be what the chain itself shows.
    """
    case.require("coins")
    stated: dict[OutPoint, list[str]] = {}
    coins: dict[OutPoint, HeldCoin] = {}
    for wallet, body in case.statement.coins.items():
        for coin in (coin_of(c) for c in body.closing):
            stated.setdefault(coin.outpoint, []).append(wallet)
            coins[coin.outpoint] = _held(wallet, coin)
    if case.statement.withheld("entry"):
        expected = {outpoint: [coin.wallet] for outpoint, coin in case.chain_closing.items()}
        source = "on the chain"
    else:
        expected = _expected_coins(case)
        source = "by opening coins and entries"
    findings = []
    for outpoint in sorted(stated.keys() | expected.keys()):
        claimed, due = sorted(stated.get(outpoint, [])), sorted(expected.get(outpoint, []))
        if claimed == due:
            continue
        text = (
            f"coin {outpoint} stands {len(claimed)} times among the closing coins"
            f"{' of ' + ', '.join(claimed) if claimed else ''}; {source} it "
            f"should stand {len(due)} times{' in ' + ', '.join(due) if due else ''}"
        )
        findings.append(Finding("R8", text, "closing coins"))
    confirmed = ""
    if not findings and (case.statement.withheld("entry") or not _grounds_failed(case)):
        findings = list(_against_the_chain(coins, case.chain_closing))
        confirmed = ", each found unspent at the closing block"
    total = btc_from_sats(Sats(sum(c.amount for c in coins.values())))
    limits: tuple[str, ...] = ()
    if case.facts.basis.kind is BasisKind.WORD_OF:
        limits = (UNSPENT_LIMIT.format(source=case.facts.basis.source),)
    return answer(
        basis=str(case.facts.basis) if confirmed else "the stated opening coins and entries",
        good=f"{len(coins)} coins, {total} BTC{confirmed}",
        findings=findings,
        limits=limits,
    )


def _held(wallet: str, coin: Coin) -> HeldCoin:
    return HeldCoin(wallet, coin.outpoint, coin.amount, coin.block, coin.is_coinbase)


def _expected_coins(case: Case) -> dict[OutPoint, list[str]]:
    """The closing coins that follow from opening coins and entries as stated: coin -> wallets."""
    expected: dict[OutPoint, list[str]] = {}
    for wallet, body in case.statement.coins.items():
        for coin in (coin_of(c) for c in body.opening):
            expected.setdefault(coin.outpoint, []).append(wallet)
    for entry in sorted(case.statement.entries, key=lambda e: e.order):
        for posting in entry.spent:
            holders = expected.get(posting.outpoint, [])
            if posting.wallet in holders:
                holders.remove(posting.wallet)
        for posting in entry.received:
            expected.setdefault(posting.outpoint, []).append(posting.wallet)
    return {outpoint: holders for outpoint, holders in expected.items() if holders}


def _grounds_failed(case: Case) -> bool:
    """Whether something that the closing coins follow from is known to be false.

    Then the check that owns it has failed. Where it could not be checked, this one asks the chain
    itself, and cannot be made either if the chain does not answer.
    """
    grounds = (case.answers.get(name) for name in ("entries", "completeness", "opening"))
    return any(ground is not None and ground.findings for ground in grounds)


def _against_the_chain(
    stated: Mapping[OutPoint, HeldCoin], derived: Mapping[OutPoint, HeldCoin]
) -> Iterator[Finding]:
    for finding in _coin_differences(stated, derived, "at the closing block"):
        yield Finding("R8", finding.text, finding.where)


def maturity(case: Case) -> Answer:
    """Whether coinbases that cannot be spent yet are a line of their own, at their amount."""
    case.require("coins", "wallet")
    until = Height(case.statement.header.period.until.height)
    findings = []
    immature = {
        wallet: sum(c.amount for c in map(coin_of, body.closing) if not c.is_mature(until))
        for wallet, body in case.statement.coins.items()
    }
    by_id = {wallet.id: wallet for wallet in case.stated_wallets}
    for part, figures, perimeter in sets_of(case.statement):
        own = [by_id[m.account] for m in perimeter.members if m.account in by_id]
        standing = standing_at(as_declared(perimeter, own), until)
        due = sum(immature.get(member, 0) for member in standing)
        if figures.immature != due:
            text = f"{figures.immature} sat are stated as immature, {due} sat of its wallets are"
            findings.append(Finding("R9", text, part))
    return answer(
        basis=FILE,
        good=f"{sum(immature.values())} sat of coinbases are not {COINBASE_MATURITY} blocks deep",
        findings=findings,
    )
