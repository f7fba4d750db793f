"""Inputs and outputs become a draft: in a fixed order, sized, priced, with its PSBT."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.standardness import MAX_TRANSACTION_WEIGHT, dust_limit
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.custody.drafting.draft import ChangeOutput, Draft, DraftInput, PaidOutput, Purpose
from khazana.custody.drafting.draft_psbt import draft_psbt
from khazana.custody.drafting.errors import DraftRefused
from khazana.custody.drafting.payments import Payment
from khazana.custody.drafting.rules import LOWEST_FEERATE, DraftRules, fee_for, feerate_words
from khazana.custody.drafting.sizes import sizes_of
from khazana.custody.drafting.spending import Spend, lock_time_of, sequence_of, spend_of
from khazana.custody.drafting.wallet import Place, SpendingWallet, WalletCoin
from khazana.custody.ways import Way
from khazana.units import Sats, Txid


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every draft stands on: the wallet, who derives for it, the newest block, the rules."""

    wallet: SpendingWallet
    engine: DescriptorEngine
    tip: BlockRef
    rules: DraftRules
    previous: Mapping[Txid, Transaction]
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class OwnOutput:
    """An amount for one of the wallet's own addresses."""

    place: Place
    script: bytes
    amount: Sats


def input_of(each: WalletCoin) -> DraftInput:
    coin = each.coin
    return DraftInput(coin.outpoint, coin.amount, coin.script, each.place)


def own_scripts(ground: Ground, branch: int, first: int, count: int) -> list[tuple[Place, bytes]]:
    """Rule D6: so many own addresses from an index on, derived and within the declared range."""
    places = [Place(branch, first + n) for n in range(count)]
    return [(place, ground.wallet.script_at(place, ground.engine)) for place in places]


def under_cap(amount: Sats, cap: Sats | None, *, least: int = 1) -> list[Sats]:
    """Rule D9: an amount in equal parts, each at most the cap; the first takes the odd satoshis.

    >>> under_cap(Sats(1000), Sats(400)), under_cap(Sats(10), None, least=3)
    ([334, 333, 333], [4, 3, 3])
    """
    parts = max(least, 1 if cap is None else -(-amount // cap))
    part, odd = divmod(amount, parts)
    return [Sats(part + (n < odd)) for n in range(parts)]


def assembled(
    ground: Ground,
    purpose: Purpose,
    inputs: Iterable[DraftInput],
    payments: Sequence[Payment],
    change: Sequence[OwnOutput],
    *,
    replaces: Txid | None = None,
    parent: Txid | None = None,
    lowest_fee: int = 0,
) -> Draft:
    """The draft, its inputs and outputs in BIP-69's order, which says nothing about change."""
    wallet, engine, rules = ground.wallet, ground.engine, ground.rules
    spending = sorted(inputs, key=lambda each: each.outpoint)
    outputs: list[tuple[TxOut, Payment | OwnOutput]] = [
        *((TxOut(each.amount, each.script), each) for each in payments),
        *((TxOut(each.amount, each.script), each) for each in change),
    ]
    outputs.sort(key=lambda pair: (pair[0].amount, pair[0].script))
    sequence = sequence_of(ground.way)
    unsigned = Transaction(
        2,
        tuple(TxIn(each.outpoint, b"", sequence) for each in spending),
        tuple(output for output, _ in outputs),
        lock_time_of(ground.way, height=ground.tip.height),
    )
    sizes = sizes_of(wallet, engine, ground.way)
    scripts = [output.script for output, _ in outputs]
    vsize = sizes.vsize(len(spending), scripts)
    fee = sum(each.amount for each in spending) - sum(o.amount for o in unsigned.outputs)
    _check(unsigned, fee, vsize, rules, lowest_fee)
    spends = [spend_of(wallet.descriptor, engine, each.place) for each in spending]
    own = {
        vout: spend_of(wallet.descriptor, engine, wallet.places[script])
        for vout, script in enumerate(scripts)
        if script in wallet.places
    }
    _check_scripts(spending, spends)
    psbt = draft_psbt(
        unsigned,
        wallet.descriptor,
        spends=spends,
        spent=[TxOut(each.amount, each.script) for each in spending],
        previous=ground.previous,
        own=own,
    )
    network = wallet.descriptor.network
    return Draft(
        wallet=wallet.id,
        network=network,
        purpose=purpose,
        tip=ground.tip,
        unsigned=unsigned,
        psbt=psbt,
        inputs=tuple(spending),
        payments=tuple(
            PaidOutput(vout, each)
            for vout, (_, each) in enumerate(outputs)
            if isinstance(each, Payment)
        ),
        change=tuple(
            ChangeOutput(vout, each.amount, address_of(each.script, network) or "", each.place)
            for vout, (_, each) in enumerate(outputs)
            if isinstance(each, OwnOutput)
        ),
        fee_sats=Sats(fee),
        vsize=vsize,
        previous={
            each.outpoint.txid: ground.previous[each.outpoint.txid]
            for each in spending
            if each.outpoint.txid in ground.previous
        },
        way=ground.way,
        replaces=replaces,
        parent=parent,
    )


def _check(unsigned: Transaction, fee: int, vsize: int, rules: DraftRules, lowest_fee: int) -> None:
    """Our own mistakes and the bounds of the network, before anything is written."""
    if fee < max(fee_for(vsize, LOWEST_FEERATE), lowest_fee):
        raise ValueError(f"a draft with a fee of {fee} sat for {vsize} vB")
    if vsize * 4 > MAX_TRANSACTION_WEIGHT:
        raise DraftRefused(
            rule="D8",
            problem=f"{len(unsigned.inputs)} inputs and {len(unsigned.outputs)} outputs make "
            f"{vsize} vB; nodes relay {MAX_TRANSACTION_WEIGHT // 4} vB at most; make two orders",
        )
    highest = fee_for(vsize, rules.highest_feerate)
    if fee > highest:
        raise DraftRefused(
            rule="D2",
            problem=f"the fee would be {fee} sat, more than {highest} sat, the highest allowed at "
            f"{feerate_words(rules.highest_feerate)} sat/vB",
        )
    for output in unsigned.outputs:
        if output.amount < dust_limit(output.script):
            raise DraftRefused(
                rule="D4",
                problem=f"an output of {output.amount} sat would be dust; "
                f"{dust_limit(output.script)} sat is the least",
            )


def _check_scripts(inputs: Sequence[DraftInput], spends: Sequence[Spend]) -> None:
    for each, spend in zip(inputs, spends, strict=True):
        if spend.scripts.output != each.script:
            raise ValueError(f"coin {each.outpoint} does not stand at {each.place}")
