"""A stuck transaction replaced by one that pays more (rule D12, after BIP-125)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from khazana.bitcoin.chain import Coin
from khazana.bitcoin.standardness import dust_limit
from khazana.bitcoin.transaction import Transaction
from khazana.custody.drafting.assemble import Ground, OwnOutput, assembled, input_of
from khazana.custody.drafting.coin_control import ANY_COIN, CoinControl, eligible
from khazana.custody.drafting.draft import Draft, DraftInput, Purpose
from khazana.custody.drafting.errors import BumpRefused
from khazana.custody.drafting.rules import fee_for, feerate_words
from khazana.custody.drafting.sizes import Sizes, sizes_of
from khazana.units import Sats

MOST_EVICTED = 100
"""Transactions that one replacement may drop from a mempool, itself replaced ones included."""

_SIGNALS_BELOW = 0xFFFF_FFFE


@dataclass(frozen=True, slots=True)
class Descendant:
    """An unconfirmed transaction that spends from the stuck one and falls with it."""

    txid: str
    fee_sats: Sats


def replacement_of(
    draft: Draft,
    ground: Ground,
    *,
    coins: Iterable[Coin] = (),
    control: CoinControl = ANY_COIN,
    descendants: Sequence[Descendant] = (),
    broadcast: Transaction | None = None,
) -> Draft:
    """The same payments at the fee rate of `ground.rules`; the change, or more coins, bear it.

    coins: confirmed ones that may be added where the change cannot bear it; none by default.
    broadcast: the stuck transaction as it was sent; before segwit only it has the final txid.
    Every input of the stuck transaction is spent again, so that only one of the two can confirm.
    Raises BumpRefused with what would be needed.
    """
    rules = ground.rules
    if any(each.sequence >= _SIGNALS_BELOW for each in draft.unsigned.inputs):
        raise _refused(draft, "it does not signal replacement; lift it by a child instead")
    if 1 + len(descendants) > MOST_EVICTED:
        raise _refused(draft, f"{len(descendants)} descendants would fall with it, too many")
    if rules.feerate <= draft.feerate:
        raise _refused(
            draft,
            f"it pays {feerate_words(draft.feerate)} sat/vB already; a replacement must pay a "
            f"higher rate than that, not {feerate_words(rules.feerate)}",
        )
    stuck = draft.unsigned if broadcast is None else broadcast
    if stuck.outputs != draft.unsigned.outputs:
        raise ValueError(f"transaction {stuck.txid} is not this draft's")
    sizes = sizes_of(ground.wallet, ground.engine, draft.way)
    ground = replace(ground, way=draft.way, previous={**draft.previous, **ground.previous})
    to_beat = draft.fee_sats + sum(each.fee_sats for each in descendants)
    inputs = list(draft.inputs)
    spare = _spare(draft, ground, coins, control)
    short = Sats(0)
    while True:
        change = _change_after(draft, sizes, inputs, to_beat, rules.feerate, ground)
        if not isinstance(change, int):
            break
        short = Sats(change)
        if not spare:
            raise _refused(
                draft,
                f"the change cannot bear the fee, {short} sat are missing; name further coins of "
                "the wallet, or lift it by a child",
            )
        inputs.append(spare.pop(0))
    return assembled(
        ground,
        Purpose.REPLACEMENT,
        inputs,
        [each.payment for each in draft.payments],
        change,
        replaces=stuck.txid,
        lowest_fee=to_beat,
    )


def _change_after(
    draft: Draft,
    sizes: Sizes,
    inputs: Sequence[DraftInput],
    to_beat: int,
    feerate: Fraction,
    ground: Ground,
) -> list[OwnOutput] | int:
    """The change outputs that remain, the largest bearing the fee; or how much is missing."""
    change = [
        OwnOutput(each.place, draft.unsigned.outputs[each.vout].script, each.amount)
        for each in draft.change
    ]
    change.sort(key=lambda each: each.amount)
    scripts = [each.payment.script for each in draft.payments]
    spent = sum(each.amount for each in inputs)
    while True:
        vsize = sizes.vsize(len(inputs), [*scripts, *(each.script for each in change)])
        # Rule 4 of BIP-125: it pays for its own relay beside all that it drops.
        floor = to_beat + fee_for(vsize, ground.rules.incremental_feerate)
        fee = max(fee_for(vsize, feerate), floor)
        left = spent - draft.paid - fee
        if not change:
            return [] if left >= 0 and scripts else max(-left, 1)
        kept = sum(each.amount for each in change[:-1])
        largest = change[-1]
        if left - kept >= dust_limit(largest.script):
            raised = min(Sats(left - kept), ground.rules.cap_per_address or Sats(left - kept))
            if raised == left - kept:
                return [*change[:-1], replace(largest, amount=Sats(left - kept))]
            # More coins than the cap lets one address hold: keep the amounts, part the rest.
            return _parted(draft, change, Sats(left), ground)
        if len(change) == 1 and not scripts:
            return max(dust_limit(largest.script) - (left - kept), 1)
        change.pop()


def _parted(draft: Draft, change: list[OwnOutput], left: Sats, ground: Ground) -> list[OwnOutput]:
    """The change in equal parts over the addresses that it had; too few of them are refused."""
    part, odd = divmod(left, len(change))
    cap = ground.rules.cap_per_address
    if cap is not None and part + (odd > 0) > cap:
        raise _refused(
            draft, f"with the added coins its change no longer fits under the cap of {cap} sat"
        )
    return [replace(each, amount=Sats(part + (n < odd))) for n, each in enumerate(change)]


def _spare(
    draft: Draft, ground: Ground, coins: Iterable[Coin], control: CoinControl
) -> list[DraftInput]:
    """Confirmed coins that may be added, the largest first; BIP-125 takes no unconfirmed ones."""
    taken = {each.outpoint for each in draft.inputs}
    others = [c for c in coins if c.outpoint not in taken]
    found = eligible(ground.wallet, others, control, tip=ground.tip, way=draft.way)
    spare = [input_of(each) for each in found.usable]
    return sorted(spare, key=lambda each: (-each.amount, each.outpoint))


def _refused(draft: Draft, problem: str) -> BumpRefused:
    return BumpRefused(txid=draft.txid, rule="D12", problem=problem)
