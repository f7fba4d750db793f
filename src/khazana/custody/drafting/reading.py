"""A draft read back from its PSBT: everything is derived again, nothing is taken on trust.

Orders travel as files; whoever receives one rebuilds the draft from the bytes and the wallet.
"""

from collections.abc import Mapping

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.transaction import TxOut
from khazana.custody.drafting.draft import ChangeOutput, Draft, DraftInput, PaidOutput, Purpose
from khazana.custody.drafting.draft_psbt import draft_psbt
from khazana.custody.drafting.errors import DraftRefused
from khazana.custody.drafting.payments import Payment
from khazana.custody.drafting.sizes import sizes_of
from khazana.custody.drafting.spending import lock_time_of, sequence_of, spend_of
from khazana.custody.drafting.wallet import SpendingWallet
from khazana.custody.psbt_files import psbt_of_file
from khazana.custody.ways import Way
from khazana.units import Sats, Txid


def draft_of_psbt(
    psbt: bytes,
    wallet: SpendingWallet,
    *,
    engine: DescriptorEngine,
    tip: BlockRef,
    purpose: Purpose,
    paid: Mapping[int, tuple[str, str]] | None = None,
    way: Way | None = None,
    replaces: Txid | None = None,
    parent: Txid | None = None,
) -> Draft:
    """The draft that these bytes are, unsigned. Raises DraftRefused (rule D10), MalformedBytes.

    paid: label and reference of the outputs that are payments, by vout; of the others, those that
    pay the wallet are its change. None: every output that does not pay the wallet is a payment.
    The bytes must be exactly those that drafting writes: a field more or less is refused.
    """
    raw = psbt_of_file(psbt)
    read = read_psbt(raw)
    unsigned, descriptor = read.unsigned, wallet.descriptor
    inputs, previous = [], {}
    for position, (each, spent) in enumerate(zip(unsigned.inputs, read.inputs, strict=True)):
        output = spent.spent
        if spent.previous is not None:
            if spent.previous.txid != each.outpoint.txid or each.outpoint.vout >= len(
                spent.previous.outputs
            ):
                raise _refused(f"input {position} carries a transaction that it does not spend")
            output = spent.previous.outputs[each.outpoint.vout]
            previous[each.outpoint.txid] = spent.previous
        if output is None or output.script not in wallet.places:
            raise _refused(f"input {position} spends no coin of wallet {wallet.id}")
        place = wallet.places[output.script]
        inputs.append(DraftInput(each.outpoint, output.amount, output.script, place))
    labels = paid or {}
    network = descriptor.network
    payments, change = [], []
    for vout, output in enumerate(unsigned.outputs):
        address = address_of(output.script, network)
        if address is None:
            raise _refused(f"output {vout} pays a script that has no address")
        own = wallet.places.get(output.script)
        if own is not None and vout not in labels:
            change.append(ChangeOutput(vout, output.amount, address, own))
            continue
        if paid is not None and vout not in labels:
            raise _refused(f"output {vout} pays {address}, which the order does not name")
        label, reference = labels.get(vout, ("", ""))
        made = Payment(address, output.script, output.amount, label, reference)
        payments.append(PaidOutput(vout, made))
    if missing := sorted(labels.keys() - range(len(unsigned.outputs))):
        raise _refused(f"there is no output {missing[0]} that the order names as a payment")
    if {each.sequence for each in unsigned.inputs} != {sequence_of(way)}:
        raise _refused("its sequences are not those of the way to spend that the order names")
    if unsigned.version != 2 or unsigned.lock_time != lock_time_of(way, height=tip.height):
        raise _refused("its version or lock time is not what drafting on that block writes")
    spends = [spend_of(descriptor, engine, each.place) for each in inputs]
    written = draft_psbt(
        unsigned,
        descriptor,
        spends=spends,
        spent=[TxOut(each.amount, each.script) for each in inputs],
        previous=previous,
        own={
            vout: spend_of(descriptor, engine, wallet.places[output.script])
            for vout, output in enumerate(unsigned.outputs)
            if output.script in wallet.places
        },
    )
    if written != raw:
        raise _refused("its bytes are not those that drafting this order writes")
    sizes = sizes_of(wallet, engine, way)
    fee = sum(i.amount for i in inputs) - sum(o.amount for o in unsigned.outputs)
    if fee < 0:
        raise _refused("its outputs hold more than its inputs")
    return Draft(
        wallet=wallet.id,
        network=network,
        purpose=purpose,
        tip=tip,
        unsigned=unsigned,
        psbt=raw,
        inputs=tuple(inputs),
        payments=tuple(payments),
        change=tuple(change),
        fee_sats=Sats(fee),
        vsize=sizes.vsize(len(inputs), [output.script for output in unsigned.outputs]),
        previous=previous,
        way=way,
        replaces=replaces,
        parent=parent,
    )


def _refused(problem: str) -> DraftRefused:
    return DraftRefused(rule="D10", problem=f"this is not the order's PSBT: {problem}")
