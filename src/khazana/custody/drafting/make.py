"""Drafts of payments, splits and consolidations (rules D1 to D9)."""

from collections.abc import Iterable, Mapping, Sequence

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.transaction import Transaction
from khazana.custody.drafting.assemble import (
    Ground,
    OwnOutput,
    assembled,
    input_of,
    own_scripts,
    under_cap,
)
from khazana.custody.drafting.coin_control import ANY_COIN, CoinControl, Eligible, eligible
from khazana.custody.drafting.draft import Draft, Purpose
from khazana.custody.drafting.errors import DraftRefused, NotEnoughCoins
from khazana.custody.drafting.lookalikes import NONE_KNOWN, KnownAddresses
from khazana.custody.drafting.payments import Payment, check_payments, payment
from khazana.custody.drafting.rules import DraftRules, fee_for
from khazana.custody.drafting.selection import Costs, Selection, select
from khazana.custody.drafting.sizes import Sizes, sizes_of
from khazana.custody.drafting.wallet import SpendingWallet, WalletCoin
from khazana.custody.ways import Way
from khazana.ledger.findings import Finding
from khazana.units import Sats, Txid


def draft_payment(
    wallet: SpendingWallet,
    payments: Sequence[Payment],
    *,
    coins: Iterable[Coin],
    previous: Mapping[Txid, Transaction],
    tip: BlockRef,
    rules: DraftRules,
    engine: DescriptorEngine,
    change_index: int,
    control: CoinControl = ANY_COIN,
    known: KnownAddresses = NONE_KNOWN,
    way: Way | None = None,
) -> Draft:
    """Pay others. change_index: first unused one of the wallet's change branch (`first_unused`).

    coins: the wallet's unspent ones in the best chain at `tip`; others are ignored.
    Raises PaymentsRefused, NotEnoughCoins, DraftRefused, PreviousTransactionMissing.
    """
    if not payments:
        raise DraftRefused(rule="D4", problem="it pays nobody")
    check_payments(payments, network=wallet.descriptor.network, known=known)
    coins = tuple(coins)
    ground = Ground(wallet=wallet, engine=engine, tip=tip, rules=rules, previous=previous, way=way)
    found = eligible(wallet, coins, control, tip=tip, way=way)
    _check_cap(ground, payments, coins)
    return _paid(ground, Purpose.PAYMENT, payments, found, control, coins, change_index)


def draft_split(
    wallet: SpendingWallet,
    *,
    amount: Sats,
    first_index: int,
    change_index: int,
    coins: Iterable[Coin],
    previous: Mapping[Txid, Transaction],
    tip: BlockRef,
    rules: DraftRules,
    engine: DescriptorEngine,
    parts: int = 1,
    branch: int = 0,
    control: CoinControl = ANY_COIN,
    way: Way | None = None,
) -> Draft:
    """An amount to the wallet's own fresh addresses: `parts` of them, more if the cap asks."""
    if amount <= 0 or parts < 1:
        raise ValueError(f"no split of {amount} sat into {parts}")
    coins = tuple(coins)
    ground = Ground(wallet=wallet, engine=engine, tip=tip, rules=rules, previous=previous, way=way)
    network = wallet.descriptor.network
    amounts = under_cap(amount, rules.cap_per_address, least=parts)
    fresh = own_scripts(ground, branch, first_index, len(amounts))
    _check_fresh(ground, fresh, coins)
    payments = [
        payment(address_of(script, network) or "", part, network, label=f"{wallet.id}, {place}")
        for (place, script), part in zip(fresh, amounts, strict=True)
    ]
    check_payments(payments, network=network, known=NONE_KNOWN)
    if branch == wallet.change_branch and change_index < first_index + len(amounts):
        change_index = max(change_index, first_index + len(amounts))
    found = eligible(wallet, coins, control, tip=tip, way=way)
    return _paid(ground, Purpose.SPLIT, payments, found, control, coins, change_index)


def draft_consolidation(
    wallet: SpendingWallet,
    *,
    first_index: int,
    coins: Iterable[Coin],
    previous: Mapping[Txid, Transaction],
    tip: BlockRef,
    rules: DraftRules,
    engine: DescriptorEngine,
    parts: int = 1,
    branch: int = 0,
    control: CoinControl = ANY_COIN,
    way: Way | None = None,
) -> Draft:
    """Every usable coin that brings more than it costs, to as few own addresses as the cap lets.

    The wallet bears the fee, so its outputs count as change: there is nobody to pay.
    """
    coins = tuple(coins)
    ground = Ground(wallet=wallet, engine=engine, tip=tip, rules=rules, previous=previous, way=way)
    found = eligible(wallet, coins, control, tip=tip, way=way)
    sizes = sizes_of(wallet, engine, way)
    worth = [
        each
        for each in found.usable
        if control.only is not None or each.coin.amount * 4 > rules.feerate * sizes.input_weight
    ]
    total = sum(each.coin.amount for each in worth)
    if not worth:
        raise _short(ground, sizes, found, worth, Sats(0), [])
    count = max(parts, len(under_cap(Sats(total), rules.cap_per_address)))
    fresh = own_scripts(ground, branch, first_index, count)
    _check_fresh(ground, fresh, coins, spent=worth)
    fee = fee_for(sizes.vsize(len(worth), [script for _, script in fresh]), rules.feerate)
    if total <= fee:
        raise _short(ground, sizes, found, worth, Sats(0), [])
    amounts = under_cap(Sats(total - fee), None, least=count)
    own = [
        OwnOutput(place, script, part) for (place, script), part in zip(fresh, amounts, strict=True)
    ]
    return assembled(ground, Purpose.CONSOLIDATION, map(input_of, worth), (), own)


def verify_change(
    draft: Draft, wallet: SpendingWallet, engine: DescriptorEngine
) -> tuple[Finding, ...]:
    """Rule D6 for somebody else's draft: every output called change is the wallet's own."""
    found = []
    for each in draft.change:
        where = f"output {each.vout}"
        try:
            script = wallet.script_at(each.place, engine)
        except DraftRefused as refused:
            found.append(Finding("D6", refused.problem, where))
            continue
        if draft.unsigned.outputs[each.vout].script != script:
            address = address_of(script, wallet.descriptor.network)
            text = f"it is called change, but {each.place} of wallet {wallet.id} is {address}"
            found.append(Finding("D6", text, where))
    return tuple(found)


def _paid(
    ground: Ground,
    purpose: Purpose,
    payments: Sequence[Payment],
    found: Eligible,
    control: CoinControl,
    coins: Sequence[Coin],
    change_index: int,
) -> Draft:
    wallet, rules = ground.wallet, ground.rules
    wanted = Sats(sum(each.amount for each in payments))
    scripts = [each.script for each in payments]
    sizes = sizes_of(wallet, ground.engine, ground.way)
    [(_, sample)] = own_scripts(ground, wallet.change_branch, change_index, 1)
    costs = sizes.costs(rules, coins=len(found.usable), scripts=scripts, change=sample)
    chosen = _chosen(found, wanted, costs, control)
    if chosen is None:
        raise _short(ground, sizes, found, found.usable, wanted, scripts)
    total = sum(each.coin.amount for each in chosen.coins)
    inputs = len(chosen.coins)
    fee = fee_for(sizes.vsize(inputs, scripts), rules.feerate)
    change: list[OwnOutput] = []
    if chosen.change:
        own = _change(ground, sizes, inputs, scripts, Sats(total - wanted), change_index)
        _check_fresh(ground, [(each.place, each.script) for each in own], coins)
        change = own
    return assembled(ground, purpose, map(input_of, chosen.coins), payments, change, lowest_fee=fee)


def _chosen(found: Eligible, wanted: Sats, costs: Costs, control: CoinControl) -> Selection | None:
    """Rule D3, or exactly the coins that the drafter named."""
    if control.only is None:
        return select(found.usable, wanted, costs)
    total = sum(each.coin.amount for each in found.usable)
    weight = costs.base_weight + len(found.usable) * costs.input_weight
    if total < wanted + costs.whole_fee(weight):
        return None
    with_change = wanted + costs.whole_fee(weight + costs.change_weight) + costs.smallest_change
    return Selection(found.usable, change=total >= with_change)


def _change(
    ground: Ground,
    sizes: Sizes,
    inputs: int,
    scripts: Sequence[bytes],
    left: Sats,
    change_index: int,
) -> list[OwnOutput]:
    """What is left after the payments, less the fee, in parts under the cap."""
    rules, branch = ground.rules, ground.wallet.change_branch
    count = len(under_cap(left, rules.cap_per_address))
    fresh = own_scripts(ground, branch, change_index, count)
    vsize = sizes.vsize(inputs, [*scripts, *(script for _, script in fresh)])
    amounts = under_cap(Sats(left - fee_for(vsize, rules.feerate)), None, least=count)
    return [OwnOutput(p, s, part) for (p, s), part in zip(fresh, amounts, strict=True)]


def _short(
    ground: Ground,
    sizes: Sizes,
    found: Eligible,
    coins: Sequence[WalletCoin],
    wanted: Sats,
    scripts: Sequence[bytes],
) -> NotEnoughCoins:
    worth = [c for c in coins if c.coin.amount * 4 > ground.rules.feerate * sizes.input_weight]
    total = sum(each.coin.amount for each in worth)
    weight = sizes.base_weight(max(len(found.usable), 1), scripts)
    weight += max(len(worth), 1) * sizes.input_weight
    fee = fee_for(-(-weight // 4), ground.rules.feerate)
    return NotEnoughCoins(
        wallet=ground.wallet.id,
        wanted=wanted,
        spendable=Sats(sum(each.coin.amount for each in coins)),
        fee=fee,
        largest=Sats(max(total - fee, 0)),
        left_out=found.left_out,
    )


def _check_cap(ground: Ground, payments: Sequence[Payment], coins: Sequence[Coin]) -> None:
    """Rule D9 for payments to the wallet itself: what others hold is their own affair."""
    cap = ground.rules.cap_per_address
    for each in payments:
        if cap is None or each.script not in ground.wallet.places:
            continue
        held = sum(coin.amount for coin in coins if coin.script == each.script)
        if held + each.amount > cap:
            raise DraftRefused(
                rule="D9",
                problem=f"{each.address} of wallet {ground.wallet.id} would hold "
                f"{held + each.amount} sat; an address may hold {cap} sat; split the amount",
            )


def _check_fresh(
    ground: Ground,
    fresh: Sequence[tuple[object, bytes]],
    coins: Sequence[Coin],
    *,
    spent: Sequence[WalletCoin] = (),
) -> None:
    """Rule D6: a stated index must not hold coins; an address is used once."""
    gone = {each.coin.outpoint for each in spent}
    holding = {coin.script for coin in coins if coin.outpoint not in gone}
    for place, script in fresh:
        if script in holding:
            raise DraftRefused(
                rule="D6",
                problem=f"{place} of wallet {ground.wallet.id} holds coins already; state the "
                "first index that was never used",
            )
