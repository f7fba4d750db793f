"""From a statement and a chain to the campaign that proves its closing coins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.control import closing_of
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.collect import Collected, Stray, collect
from khazana.custody.message import ControlMessage, control_message
from khazana.custody.message_files import CollectedMessages, collect_messages
from khazana.custody.qr_parts import QrPartsRefused, joined_qr, looks_like_qr
from khazana.errors import KhazanaError
from khazana.reserve.bodies import block_ref
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement


@dataclass(eq=False, kw_only=True)
class NoDescriptorOf(KhazanaError):
    """A wallet is named whose descriptor the file does not show."""

    wallet: str
    code = "no_descriptor_of"
    words = (
        "the statement shows no descriptor of wallet {wallet}; give the full file, as it was made"
    )


def campaign_of(
    statement: ReserveStatement,
    chain: ChainView,
    *,
    wallets: Sequence[str] = (),
    batch: Collection[str] = (),
    recovery: Mapping[str, int] | None = None,
    undisclosed: Sequence[CampaignWallet] = (),
) -> Campaign:
    """The campaign at the closing block. wallets: all with a descriptor unless some are named.

    batch: those whose devices can sign proofs of funds. recovery: those of which a way that waits
    is proved, with its number. undisclosed: wallets that the statement lists by address, while
    their office knows the descriptor.
    """
    chosen = [*wallets_of(statement, wallets, batch=batch, recovery=recovery), *undisclosed]
    case = Case(statement=statement, chain=chain, engine=best_engine())
    closing = closing_of(case)
    spent_from = {
        output.script
        for confirmed in case.facts.history
        for vout, output in enumerate(confirmed.transaction.outputs)
        if confirmed.transaction.outpoint(vout) in closing.spent
    }
    return plan_campaign(
        chosen,
        closing,
        message=message_of(statement),
        engine=best_engine(),
        spent_from=spent_from,
    )


def message_of(statement: ReserveStatement) -> ControlMessage:
    """What the keys of a statement's closing coins sign, dated by its closing block."""
    header = statement.header
    return control_message(
        office=header.office.id,
        network=Case(statement=statement, chain=None, engine=best_engine()).network,
        test=header.test,
        root=statement.root,
        block=block_ref(header.period.until),
    )


def messages_collected(
    statement: ReserveStatement,
    files: Sequence[tuple[str, bytes]],
    *,
    wallets: Sequence[str] = (),
) -> CollectedMessages:
    """Put together what cosigners signed alone."""
    return collect_messages(message_of(statement), wallets_of(statement, wallets), files)


def wallets_of(
    statement: ReserveStatement,
    wallets: Sequence[str] = (),
    *,
    batch: Collection[str] = (),
    recovery: Mapping[str, int] | None = None,
) -> list[CampaignWallet]:
    """The statement's wallets whose descriptors it shows; some of them where they are named."""
    waiting = recovery or {}
    for name in (*wallets, *batch, *waiting):
        if name not in statement.descriptors:
            raise NoDescriptorOf(wallet=name)
    network = Case(statement=statement, chain=None, engine=best_engine()).network
    return [
        CampaignWallet(
            name,
            parse_descriptor(body.descriptor, network),
            tuple((branch.branch, branch.stop) for branch in body.branches),
            name in batch,
            waiting.get(name, 0),
        )
        for name, body in statement.descriptors.items()
        if name in wallets or not wallets
    ]


def collected(
    statement: ReserveStatement,
    chain: ChainView,
    files: Sequence[tuple[str, bytes]],
    *,
    wallets: Sequence[str] = (),
    recovery: Mapping[str, int] | None = None,
) -> Collected:
    """Put together what came back; which wallets were batched shows from the files."""
    every = wallets or tuple(statement.descriptors)
    batched = campaign_of(statement, chain, wallets=wallets, batch=every, recovery=recovery)
    single = campaign_of(statement, chain, wallets=wallets, recovery=recovery)
    both = {r.unsigned.txid for r in single.rounds}
    asked = {r.unsigned.txid: r.wallet.id for r in batched.rounds}
    seen = {
        asked[state.round.unsigned.txid]
        for state in collect(batched, files).rounds
        if state.round.unsigned.txid not in both and (state.signed or state.bad or state.proof)
    }
    if not seen:
        return collect(single, files)
    chosen = campaign_of(statement, chain, wallets=wallets, batch=seen, recovery=recovery)
    return collect(chosen, files)


def unscanned(
    files: Sequence[tuple[str, bytes]],
) -> tuple[list[tuple[str, bytes]], list[Stray]]:
    """Files as they are; where one holds scanned codes, what these hold together."""
    found, stray = [], []
    for name, raw in files:
        if not looks_like_qr(raw):
            found.append((name, raw))
            continue
        try:
            _, content = joined_qr(raw.decode("ascii", "replace").splitlines())
        except QrPartsRefused as refused:
            stray.append(Stray(name, str(refused)))
        else:
            found.append((name, content))
    return found, stray
