"""A stuck transaction lifted by a child that pays for both (rule D13)."""

from dataclasses import dataclass, replace
from typing import Self

from khazana.bitcoin.consensus import virtual_size_of
from khazana.bitcoin.standardness import dust_limit
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.custody.drafting.assemble import (
    Ground,
    OwnOutput,
    assembled,
    own_scripts,
    under_cap,
)
from khazana.custody.drafting.draft import Draft, DraftInput, Purpose
from khazana.custody.drafting.errors import BumpRefused
from khazana.custody.drafting.rules import LOWEST_FEERATE, fee_for, feerate_words
from khazana.custody.drafting.sizes import sizes_of
from khazana.units import Sats


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """An unconfirmed transaction, ours or one that pays us.

    ancestors_fee, ancestors_vsize: of unconfirmed transactions that it itself waits for.
    """

    transaction: Transaction
    fee_sats: Sats
    vsize: int
    ancestors_fee: int = 0
    ancestors_vsize: int = 0

    @classmethod
    def of(cls, signed: Transaction, fee_sats: Sats) -> Self:
        """From the signed transaction; its fee is what its inputs hold beyond its outputs."""
        return cls(transaction=signed, fee_sats=fee_sats, vsize=virtual_size_of(signed))

    @classmethod
    def of_draft(cls, draft: Draft, signed: Transaction) -> Self:
        """From an order of ours that was broadcast. Before segwit its txid is not the draft's."""
        same_inputs = [i.outpoint for i in signed.inputs] == [
            i.outpoint for i in draft.unsigned.inputs
        ]
        if not same_inputs or signed.outputs != draft.unsigned.outputs:
            raise ValueError(f"transaction {signed.txid} is not this draft's")
        return cls.of(signed, draft.fee_sats)


def child_of(stuck: Stuck, ground: Ground, *, change_index: int) -> Draft:
    """Spend our outputs of the stuck transaction so that both together pay the rules' fee rate.

    package rate = (all fees) / (all virtual bytes), what miners look at. What remains goes to the
    wallet's change addresses from `change_index` on. Raises BumpRefused with what is missing.
    """
    parent, rules, wallet = stuck.transaction, ground.rules, ground.wallet
    inputs = [
        DraftInput(
            OutPoint(parent.txid, vout), output.amount, output.script, wallet.places[output.script]
        )
        for vout, output in enumerate(parent.outputs)
        if output.script in wallet.places
    ]
    if not inputs:
        raise _refused(
            stuck, f"none of its outputs is wallet {wallet.id}'s, so nothing can lift it"
        )
    if ground.way is not None and ground.way.waits:
        raise _refused(stuck, "a way that waits cannot spend an output that is not confirmed")
    package_fee = stuck.fee_sats + stuck.ancestors_fee
    package_vsize = stuck.vsize + stuck.ancestors_vsize
    if package_fee >= fee_for(package_vsize, rules.feerate):
        raise _refused(
            stuck,
            f"it pays {feerate_words(rules.feerate)} sat/vB or more already; wait for a block",
        )
    ground = replace(ground, previous={**ground.previous, parent.txid: parent})
    total = sum(each.amount for each in inputs)
    sizes = sizes_of(wallet, ground.engine, ground.way)
    count = len(under_cap(Sats(total), rules.cap_per_address))
    fresh = own_scripts(ground, wallet.change_branch, change_index, count)
    vsize = sizes.vsize(len(inputs), [script for _, script in fresh])
    fee = max(
        fee_for(package_vsize + vsize, rules.feerate) - package_fee,
        fee_for(vsize, LOWEST_FEERATE),
    )
    least = sum(dust_limit(script) for _, script in fresh)
    if total - fee < least:
        raise _refused(
            stuck,
            f"its outputs of wallet {wallet.id} hold {total} sat; the child's fee would be {fee} "
            f"sat and its output {least} sat at least",
        )
    amounts = under_cap(Sats(total - fee), None, least=count)
    own = [OwnOutput(p, s, part) for (p, s), part in zip(fresh, amounts, strict=True)]
    return assembled(ground, Purpose.CHILD, inputs, (), own, parent=parent.txid)


def _refused(stuck: Stuck, problem: str) -> BumpRefused:
    return BumpRefused(txid=stuck.transaction.txid, rule="D13", problem=problem)
