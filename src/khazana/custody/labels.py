"""Labels of transactions, addresses, keys and coins (BIP-329): checked values and their merging."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from khazana.ledger.findings import Finding


class LabelKind(Enum):
    """What a label is attached to."""

    TX = "tx"
    ADDR = "addr"
    PUBKEY = "pubkey"
    INPUT = "input"
    OUTPUT = "output"
    XPUB = "xpub"


@dataclass(frozen=True, kw_only=True)
class Label:
    """One record. What is None is not said: merging leaves what somebody else says of it.

    ref: txid, address, public key in hex, txid:position, or extended public key.
    origin: which wallet it belongs to, as a descriptor with key origins and no keys.
    spendable: outputs only; false: frozen. more: BIP-329's additional fields, as they were read.
    """

    kind: LabelKind
    ref: str
    label: str | None = None
    origin: str | None = None
    spendable: bool | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.spendable is not None and self.kind is not LabelKind.OUTPUT:
            raise ValueError(f"only an output is spendable or not, never a {self.kind.value}")

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about; records of one key are about the same thing."""
        return self.kind.value, self.ref, self.origin or ""


def merge(
    ours: Sequence[Label], theirs: Iterable[Label]
) -> tuple[tuple[Label, ...], list[Finding]]:
    """Rule K13: what either says, in the order of kind and reference.

    What only one says is taken. Where both say something else, ours stays and a finding names it;
    but a coin that either has frozen stays frozen, because that mistake costs nothing.
    """
    merged = {label.key: label for label in ours}
    findings: list[Finding] = []
    for other in theirs:
        own = merged.get(other.key)
        if own is None:
            merged[other.key] = other
            continue
        where = f"{own.kind.value} {own.ref}"
        if None not in (own.label, other.label) and own.label != other.label:
            text = f"ours says {own.label!r}, theirs {other.label!r}; ours is kept"
            findings.append(Finding("K13", text, where))
        if None not in (own.spendable, other.spendable) and own.spendable != other.spendable:
            findings.append(Finding("K13", "one freezes it, one does not; it is frozen", where))
        stated = [said for said in (own.spendable, other.spendable) if said is not None]
        merged[other.key] = replace(
            own,
            label=other.label if own.label is None else own.label,
            spendable=all(stated) if stated else None,
            more={**other.more, **own.more},
        )
    return tuple(merged[key] for key in sorted(merged)), findings
