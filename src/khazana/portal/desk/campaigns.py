"""A campaign of proofs: files to sign go out, signed ones come in, and a worker judges them."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_tasks import task

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.chain import coins_after
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.control_evidence import control_evidence, cosigned_evidence
from khazana.custody.message import control_message
from khazana.custody.message_files import collect_messages, is_signed_text, signing_paths
from khazana.custody.qr_parts import QrPartsRefused, joined_qr, looks_like_qr
from khazana.errors import KhazanaError
from khazana.portal.audit.record import record
from khazana.portal.desk.models import (
    CampaignRow,
    CampaignState,
    DraftRow,
    ReturnedRow,
    ReturnedState,
    RoundRow,
)
from khazana.portal.desk.steps import OPEN, DraftRefused, locked_draft
from khazana.portal.tasks.worker import Effect
from khazana.reserve.bodies import block_ref, outpoint_of
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.units import Sats

MOST_RETURNED = 1000
"""Files that may come back for one campaign."""


@dataclass(frozen=True)
class Judged:
    """What the files prove together. problems: of each file that is refused, why."""

    standing: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    problems: dict[str, str]


def begin_campaign(pk: int, *, batch: list[str], by: str) -> None:
    """Ask a worker for the files to sign; beginning anew forgets what came back before."""
    with locked_draft(pk, *OPEN) as row:
        shown = read_reserve_statement(bytes(row.raw or b"")).descriptors
        strange = sorted(set(batch) - set(shown))
        if strange:
            raise DraftRefused(problem=f"no wallet with a descriptor is called {strange[0]}")
        CampaignRow.objects.filter(draft=row).delete()
        campaign = CampaignRow.objects.create(
            draft=row, batch=sorted(set(batch)), made_by=by, made_at=timezone.now()
        )
        detail = {"batch": ", ".join(campaign.batch)}
        record("proofs asked for", actor=by, subject=row.root, detail=detail)
        make_campaign.enqueue(campaign.pk)


def take_returned(pk: int, files: list[bytes], *, by: str) -> None:
    """Take files back, in any order; a worker says of each whether it is of use."""
    with locked_draft(pk, *OPEN) as row:
        campaign = CampaignRow.objects.filter(draft=row, state=CampaignState.PLANNED).first()
        if campaign is None:
            raise DraftRefused(problem="no file went out yet")
        if campaign.evidence:
            raise DraftRefused(problem="all its coins are proved already")
        hashes = [hashlib.sha256(raw).hexdigest() for raw in files]
        known = set(campaign.returned.values_list("sha256", flat=True))
        if known & set(hashes) or len(set(hashes)) < len(hashes):
            raise DraftRefused(problem="a file with the same content came in already")
        if len(known) + len(hashes) > MOST_RETURNED:
            raise DraftRefused(problem=f"more than {MOST_RETURNED} files")
        for raw, sha256 in zip(files, hashes, strict=True):
            ReturnedRow.objects.create(
                campaign=campaign, raw=raw, sha256=sha256, by=by, at=timezone.now()
            )
            record("signed proof taken", actor=by, subject=row.root, detail={"sha256": sha256})
        judge_returned.enqueue(campaign.pk)


@task()
def make_campaign(pk: int) -> Effect:
    """Plan the campaign at the closing block and keep its files."""
    row = CampaignRow.objects.select_related("draft").get(pk=pk)
    try:
        statement = read_reserve_statement(bytes(row.draft.raw or b""))
        campaign = planned(statement, row.batch)
    except KhazanaError as error:
        reason = str(error)
        return Effect(lambda: _failed(pk, reason))
    network = Case(statement=statement, chain=None, engine=best_engine()).network
    fields = {
        "state": CampaignState.PLANNED,
        "message": campaign.message.text,
        "paths": [
            [wallet.id, *each] for wallet in campaign.wallets for each in signing_paths(wallet)
        ],
        "exposures": [
            {
                "wallet": each.wallet,
                "address": address_of(each.script, network) or each.script.hex(),
                "keys": [key.hex() for key in each.public_keys],
                "already": each.already or "",
            }
            for each in campaign.exposures
        ],
        "unplanned": [[str(each.coin.outpoint), each.why] for each in campaign.unplanned],
        "standing": judged(statement, campaign, []).standing,
    }

    def store() -> dict[str, Any]:
        if CampaignRow.objects.filter(pk=pk, state=CampaignState.WAITING).update(**fields):
            for number, each in enumerate(campaign.rounds, 1):
                RoundRow.objects.create(
                    campaign_id=pk, number=number, name=each.name, psbt=each.psbt
                )
        return {"rounds": len(campaign.rounds)}

    return Effect(store)


def _failed(pk: int, reason: str) -> dict[str, Any]:
    rows = CampaignRow.objects.filter(pk=pk, state=CampaignState.WAITING)
    rows.update(state=CampaignState.FAILED, problem=reason)
    return {"problem": reason}


@task()
def judge_returned(pk: int) -> Effect:
    """Judge every file that came back, alone and then together."""
    row = CampaignRow.objects.select_related("draft").get(pk=pk)
    files = {str(each.pk): bytes(each.raw) for each in row.returned.exclude(state="refused")}
    statement = read_reserve_statement(bytes(row.draft.raw or b""))
    campaign = planned(statement, row.batch)
    problems: dict[str, str] = {}
    for name, raw in files.items():
        problems |= judged(statement, campaign, [(name, raw)]).problems
    good = [(name, raw) for name, raw in files.items() if name not in problems]
    done = judged(statement, campaign, good)

    def store() -> dict[str, Any]:
        with transaction.atomic():
            DraftRow.objects.select_for_update().get(pk=row.draft_id)
            for name in files:
                problem = problems.get(name, "")
                state = ReturnedState.REFUSED if problem else ReturnedState.TAKEN
                ReturnedRow.objects.filter(pk=int(name)).update(state=state, problem=problem)
            open_ = CampaignRow.objects.filter(pk=pk, draft__state__in=OPEN)
            open_.update(standing=done.standing, evidence=done.evidence)
        return {"files": len(files), "refused": len(problems)}

    return Effect(store)


def planned(statement: ReserveStatement, batch: list[str]) -> Campaign:
    """The campaign for every closing coin whose wallet has a descriptor; the same each time."""
    chain = open_chain(settings.DESK_SOURCE)
    case = Case(statement=statement, chain=chain, engine=best_engine())
    declared = frozenset(script for wallet in case.wallets for script in wallet.scripts)
    history = case.facts.history
    held = coins_after(history, declared)
    known = {
        each.transaction.outpoint(vout): output.script
        for each in history
        for vout, output in enumerate(each.transaction.outputs)
        if output.script in declared
    }
    spent = frozenset(known) - frozenset(held)
    until = block_ref(statement.header.period.until)
    coins = []
    for wallet, body in statement.coins.items():
        for coin in body.closing:
            outpoint = outpoint_of(coin.outpoint)
            script = held[outpoint].script if outpoint in held else b""
            coins.append(ClosingCoin(wallet, outpoint, Sats(coin.amount), script))
    message = control_message(
        office=statement.header.office.id,
        network=case.network,
        test=statement.header.test,
        root=statement.root,
        block=until,
    )
    wallets = [
        CampaignWallet(
            name,
            parse_descriptor(body.descriptor, case.network),
            tuple((branch.branch, branch.stop) for branch in body.branches),
            name in batch,
        )
        for name, body in statement.descriptors.items()
    ]
    return plan_campaign(
        wallets,
        Closing(until, coins, spent),
        message=message,
        engine=best_engine(),
        spent_from={known[outpoint] for outpoint in spent},
    )


def judged(
    statement: ReserveStatement, campaign: Campaign, files: list[tuple[str, bytes]]
) -> Judged:
    """What the files prove, who is missing, and why files are of no use."""
    problems: dict[str, str] = {}
    read: list[tuple[str, bytes]] = []
    for name, raw in files:
        content = raw
        if looks_like_qr(raw):
            try:
                _, content = joined_qr(raw.decode("ascii", "replace").splitlines())
            except QrPartsRefused as refused:
                problems[name] = str(refused)
                continue
        read.append((name, content))
    texts = [each for each in read if is_signed_text(each[1])]
    psbts = [each for each in read if not is_signed_text(each[1])]
    done = collect(campaign, psbts, consensus=kernel_consensus())
    alone = collect_messages(campaign.message, campaign.wallets, texts)
    problems |= {stray.file: stray.why for stray in (*done.stray, *alone.stray)}
    for state in done.rounds:
        for bad in state.bad:
            if len(files) == 1:
                who = f" of {bad.cosigner}" if bad.cosigner else ""
                problems[files[0][0]] = f"bad signature{who}: {bad.words} ({bad.reason})"
    useful = alone.signatures or any(state.signed or state.proof for state in done.rounds)
    if len(files) == 1 and not problems and not useful:
        problems[files[0][0]] = "it has no signature of a key that is asked"
    enough = {wallet.wallet for wallet in alone.wallets if wallet.enough}
    standing: list[dict[str, Any]] = [
        {
            "name": state.round.name,
            "signed": list(state.signed),
            "missing": list(state.missing),
            "needed": state.needed,
            "proved": state.proof is not None or state.round.wallet.id in enough,
        }
        for state in done.rounds
    ]
    standing += [
        {
            "name": wallet.wallet,
            "signed": list(wallet.signed),
            "missing": list(wallet.missing),
            "needed": None,
            "proved": wallet.enough,
        }
        for wallet in alone.wallets
    ]
    evidence: list[dict[str, Any]] = []
    complete = all(state["proved"] for state in standing[: len(done.rounds)])
    if done.rounds and complete and not campaign.unplanned:
        network = Case(statement=statement, chain=None, engine=best_engine()).network
        if any(state.proof for state in done.rounds):
            evidence.append(dict(control_evidence(done, statement.envelope, network).fields))
        if alone.signatures:
            signed = cosigned_evidence(campaign.message, alone.signatures, statement.envelope)
            evidence.append(dict(signed.fields))
    return Judged(standing, evidence, problems)
