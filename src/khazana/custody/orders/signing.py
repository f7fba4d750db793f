"""Signatures over orders: the drafter's, each approver's, and the two of an override."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.address import address_of
from khazana.custody.orders.errors import (
    ApprovalForAnotherOrder,
    ApprovalRefused,
    DrafterMayNotApprove,
    NotInTheRole,
    OrderAltered,
    OverrideRefused,
    TransactionDiffers,
)
from khazana.custody.orders.order import Order, record
from khazana.custody.orders.order_file import order_from_record
from khazana.custody.orders.rules import LEAST_OVERRIDE_SIGNATURES
from khazana.custody.orders.transaction import TransactionFacts
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.dsse import Envelope, sign, valid_signers
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import Office, OfficeVersion
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.times import read_instant, write_instant

ORDER_PAYLOAD_TYPE = "application/vnd.khazana.order+json"
APPROVAL_PAYLOAD_TYPE = "application/vnd.khazana.order-approval+json"
OVERRIDE_PAYLOAD_TYPE = "application/vnd.khazana.order-override+json"


@dataclass(frozen=True, slots=True)
class Parties:
    """Who may sign: the office's identity, and the person behind each key."""

    office: Office
    holders: Mapping[str, str]

    def holder(self, order: str, key: str) -> str:
        """The person who holds a key; without one it cannot be said who acts."""
        if key not in self.holders:
            raise NotInTheRole(order=order, key=key, role="of any [[holder]]")
        return self.holders[key]

    def version_at(self, at: datetime) -> OfficeVersion | None:
        return self.office.in_force(at)

    def revoked_at(self, at: datetime) -> frozenset[str]:
        """Keys revoked by then. What was approved before a revocation happened, happened."""
        return frozenset(
            key for each in self.office.versions if each.valid_from <= at for key in each.revoked
        )


@dataclass(frozen=True, slots=True)
class Approver:
    """One person's valid approval. roles: those of the key. overridden: what they knew of."""

    key: str
    holder: str
    roles: frozenset[str]
    txid: str | None
    overridden: tuple[str, ...]
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class OverrideSigned:
    """A valid override: which rules, why, and who."""

    rules: tuple[str, ...]
    reason: str
    holders: tuple[str, ...]
    txid: str | None
    signed_at: datetime


def sign_order(order: Order, private: Ed25519PrivateKey) -> Envelope:
    """The drafter's envelope: the order's record itself is what is signed."""
    if key_id(public_bytes(private)) != order.drafter:
        raise ApprovalRefused(order=order.id, problem="another key than the drafter's signs it")
    return sign(ORDER_PAYLOAD_TYPE, canonical_bytes(record(order)), private)


def drafted_order(
    envelope: Envelope, parties: Parties, *, role: str | None = None, at: datetime
) -> Order:
    """The order in a drafter's envelope, if its drafter signed it. role: the drafters', if known.

    The network and office must be those of the identity.
    """
    order = order_from_record(_payload(envelope, ORDER_PAYLOAD_TYPE, "?"))
    version = _version(order, parties, order.drafted_at)
    if order.office != parties.office.fingerprint:
        raise ApprovalForAnotherOrder(
            order=order.id, what="office", signed=order.office, found=parties.office.fingerprint
        )
    if order.network.genesis != version.network.genesis:
        raise ApprovalForAnotherOrder(
            order=order.id,
            what="network",
            signed=order.network.name,
            found=version.network.name,
        )
    keys = version.role_keys(role) if role else version.keys
    _signers(envelope, order.id, keys, role or "of the office", parties, at, [order.drafter])
    return order


def approval_payload(
    order: Order,
    facts: TransactionFacts | None,
    version: OfficeVersion,
    *,
    overridden: tuple[str, ...],
    at: datetime,
) -> bytes:
    """What an approver signs: the order's hash, and in plain values what the transaction does."""
    return canonical_bytes(
        {
            "type": "khazana.order-approval/1",
            **_heading(order, version, at),
            "kind": order.kind.value,
            "account": order.account,
            "total_sat": order.sats,
            "transaction": None if facts is None else _transaction_record(order, facts),
            "overridden": sorted(overridden),
        }
    )


def approve(
    order: Order,
    facts: TransactionFacts | None,
    private: Ed25519PrivateKey,
    parties: Parties,
    *,
    overridden: tuple[str, ...] = (),
    at: datetime,
) -> Envelope:
    """One approver's envelope over exactly this order and this transaction."""
    version = _version(order, parties, at)
    payload = approval_payload(order, facts, version, overridden=overridden, at=at)
    return sign(APPROVAL_PAYLOAD_TYPE, payload, private)


def override(
    order: Order,
    facts: TransactionFacts | None,
    private: Ed25519PrivateKey,
    parties: Parties,
    *,
    rules: tuple[str, ...],
    reason: str,
    at: datetime,
) -> Envelope:
    """One signature of an override; `dsse.joined` puts two over the same time and reason together.

    rules: exactly the rules that refuse the order.
    """
    version = _version(order, parties, at)
    payload = canonical_bytes(
        {
            "type": "khazana.order-override/1",
            **_heading(order, version, at),
            "txid": None if facts is None else facts.txid,
            "rules": sorted(rules),
            "reason": reason,
        }
    )
    return sign(OVERRIDE_PAYLOAD_TYPE, payload, private)


def judge_approval(
    envelope: Envelope,
    order: Order,
    facts: TransactionFacts | None,
    parties: Parties,
    *,
    overridden: tuple[str, ...],
    roles: frozenset[str],
    at: datetime,
) -> Approver:
    """The approver, if the envelope approves this order and this transaction by `at`.

    roles: those that approve. Every refusal has its name: another order, an altered order, another
    transaction, a key outside the roles, the drafter's own.
    """
    claim = _payload(envelope, APPROVAL_PAYLOAD_TYPE, order.id)
    if not isinstance(claim, dict):
        raise ApprovalRefused(order=order.id, problem="it holds no claim")
    signed_at, version = _same_heading(claim, order, parties, at)
    _same_transaction(claim.get("transaction"), order, facts)
    expected = approval_payload(order, facts, version, overridden=overridden, at=signed_at)
    if claim.get("overridden") != sorted(overridden):
        raise ApprovalRefused(
            order=order.id,
            problem="it does not name the rules that were overridden: "
            + (", ".join(overridden) or "none"),
        )
    if envelope.payload != expected:
        raise ApprovalRefused(order=order.id, problem="it states other facts than the order's")
    if len(envelope.signatures) != 1:
        raise ApprovalRefused(order=order.id, problem="each approval stands in a file of its own")
    keys = {id_: key for role in roles for id_, key in version.role_keys(role).items()}
    names = " or ".join(sorted(roles))
    ((key, holder),) = _signers(envelope, order.id, keys, names, parties, at)
    _not_the_drafter(order, parties, holder)
    held = frozenset(role for role in roles if key in version.role_keys(role))
    return Approver(
        key, holder, held, facts.txid if facts else None, tuple(sorted(overridden)), signed_at
    )


def judge_override(
    envelope: Envelope,
    order: Order,
    facts: TransactionFacts | None,
    parties: Parties,
    *,
    role: str,
    at: datetime,
) -> OverrideSigned:
    """The override, if two people of the role signed it for this order and transaction."""
    rules, reason, signed_at, version = _override_claim(envelope, order, facts, parties, at)
    txid = None if facts is None else facts.txid
    expected = {
        "type": "khazana.order-override/1",
        **_heading(order, version, signed_at),
        "txid": txid,
        "rules": sorted(rules),
        "reason": reason,
    }
    if canonical_bytes(expected) != envelope.payload:
        raise OverrideRefused(order=order.id, problem="it states other facts than the order's")
    signers = _signers(envelope, order.id, version.role_keys(role), role, parties, at)
    people = sorted({holder for _, holder in signers})
    for holder in people:
        _not_the_drafter(order, parties, holder)
    threshold = version.roles[role].threshold if role in version.roles else 0
    needed = max(LEAST_OVERRIDE_SIGNATURES, threshold)
    if len(people) < needed:
        raise OverrideRefused(
            order=order.id,
            problem=f"{len(people)} of the {needed} people it needs signed it: {', '.join(people)}",
        )
    return OverrideSigned(tuple(rules), reason, tuple(people), txid, signed_at)


def read_override_words(
    envelope: Envelope, order: Order, facts: TransactionFacts | None, parties: Parties, at: datetime
) -> tuple[tuple[str, ...], str]:
    """The rules and the reason that an override's signers put their names to.

    Whether enough people signed is not judged yet; that it is about this order and transaction is:
    who signs the words of a file next must not sign for another order.
    """
    rules, reason, *_ = _override_claim(envelope, order, facts, parties, at)
    return tuple(rules), reason


def _override_claim(
    envelope: Envelope, order: Order, facts: TransactionFacts | None, parties: Parties, at: datetime
) -> tuple[list[str], str, datetime, OfficeVersion]:
    """Rules, reason, time and version of an override of this order and transaction."""
    claim = _payload(envelope, OVERRIDE_PAYLOAD_TYPE, order.id)
    if not isinstance(claim, dict):
        raise OverrideRefused(order=order.id, problem="it holds no claim")
    signed_at, version = _same_heading(claim, order, parties, at)
    txid = None if facts is None else facts.txid
    if claim.get("txid") != txid:
        raise OverrideRefused(
            order=order.id, problem=f"it is for the transaction {claim.get('txid')}, not {txid}"
        )
    rules, reason = claim.get("rules"), claim.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise OverrideRefused(order=order.id, problem="it gives no reason")
    if not isinstance(rules, list) or not all(isinstance(each, str) for each in rules):
        raise OverrideRefused(order=order.id, problem="it names no rules")
    return rules, reason, signed_at, version


def _heading(order: Order, version: OfficeVersion, at: datetime) -> dict[str, Any]:
    return {
        "order": order.id,
        "digest": order.digest,
        "office": order.office,
        "identity_version": version.version,
        "network": {"name": order.network.name, "genesis": order.network.genesis},
        "signed_at": write_instant(at),
    }


def _transaction_record(order: Order, facts: TransactionFacts) -> dict[str, Any]:
    return {
        "txid": facts.txid,
        "fee_sat": facts.fee,
        "outputs": [
            {
                "to": address_of(output.script, order.network) or f"script:{output.script.hex()}",
                "sats": output.amount,
                "change": vout in facts.change,
            }
            for vout, output in enumerate(facts.unsigned.outputs)
        ],
    }


def _payload(envelope: Envelope, kind: str, order: str) -> Any:
    if envelope.payload_type != kind:
        raise ApprovalRefused(
            order=order, problem=f"it signs a {envelope.payload_type}, not a {kind}"
        )
    document = parse_strict(envelope.payload)
    if canonical_bytes(document) != envelope.payload:
        raise ApprovalRefused(order=order, problem="what it signs is not in canonical form")
    return document


def _same_heading(
    claim: dict[str, Any], order: Order, parties: Parties, at: datetime
) -> tuple[datetime, OfficeVersion]:
    for what, found in (
        ("order", order.id),
        ("office", order.office),
        ("network", {"name": order.network.name, "genesis": order.network.genesis}),
    ):
        if claim.get(what) != found:
            raise ApprovalForAnotherOrder(
                order=order.id, what=what, signed=str(claim.get(what)), found=str(found)
            )
    if claim.get("digest") != order.digest:
        raise OrderAltered(order=order.id, signed=str(claim.get("digest")), found=order.digest)
    try:
        signed_at = read_instant(str(claim.get("signed_at")))
    except ValueError as error:
        raise ApprovalRefused(order=order.id, problem=str(error)) from error
    if not order.drafted_at <= signed_at <= at:
        raise ApprovalRefused(
            order=order.id,
            problem=f"it says {write_instant(signed_at)}, which is not between the draft and now",
        )
    version = _version(order, parties, signed_at)
    if claim.get("identity_version") != version.version:
        raise ApprovalRefused(
            order=order.id,
            problem=f"it names version {claim.get('identity_version')} of the office; version "
            f"{version.version} was in force",
        )
    return signed_at, version


def _same_transaction(claimed: object, order: Order, facts: TransactionFacts | None) -> None:
    expected = None if facts is None else _transaction_record(order, facts)
    if claimed == expected:
        return
    claimed_txid = claimed.get("txid") if isinstance(claimed, dict) else None
    txid = None if facts is None else facts.txid
    raise TransactionDiffers(
        order=order.id,
        name="approved",
        difference=f"the approval is for {claimed_txid}, and the order has {txid}"
        if claimed_txid != txid
        else "the approval states other outputs or another fee",
    )


def _version(order: Order, parties: Parties, at: datetime) -> OfficeVersion:
    version = parties.version_at(at)
    if version is None:
        raise ApprovalRefused(
            order=order.id, problem=f"no version of the office is in force at {write_instant(at)}"
        )
    return version


def _signers(
    envelope: Envelope,
    order: str,
    keys: Mapping[str, bytes],
    role: str,
    parties: Parties,
    at: datetime,
    wanted: list[str] | None = None,
) -> list[tuple[str, str]]:
    """Key and person of every signature; all must fit, be in the role and not be revoked."""
    revoked = parties.revoked_at(at)
    for each in envelope.signatures:
        if each.key not in keys or each.key in revoked:
            raise NotInTheRole(order=order, key=each.key, role=role)
    try:
        fitting = valid_signers(envelope, keys)
    except SignatureRefused as error:
        raise ApprovalRefused(order=order, problem=str(error).rstrip(".")) from error
    if wanted is not None and fitting != frozenset(wanted):
        raise ApprovalRefused(order=order, problem="its drafter did not sign it")
    return [(key, parties.holder(order, key)) for key in sorted(fitting)]


def _not_the_drafter(order: Order, parties: Parties, holder: str) -> None:
    if holder == parties.holder(order.id, order.drafter):
        raise DrafterMayNotApprove(order=order.id, holder=holder)
