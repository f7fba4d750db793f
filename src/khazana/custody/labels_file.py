"""Labels as JSON Lines (BIP-329): read with every wrong line named, written without a loss."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import wallycore

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.descriptor_errors import DescriptorRefused, SecretInDescriptor
from khazana.bitcoin.descriptor_keys import KeyForm, read_key
from khazana.bitcoin.network import Network
from khazana.bitcoin.secrets import refuse_secrets_in, refuse_secrets_in_values
from khazana.custody.labels import Label, LabelKind
from khazana.ledger.office import Place
from khazana.ledger.problems import ProblemList

MOST_LABEL = 2000
"""Characters; longer labels are refused rather than cut."""

_TXID = re.compile(r"[0-9a-fA-F]{64}")
_COIN = re.compile(r"([0-9a-fA-F]{64}):(0|[1-9][0-9]{0,9})")
_PUBKEY = re.compile(r"([0-9a-fA-F]{2}){32,65}")
_ORIGIN_WALLET = re.compile(
    r"(?!.*[0-9A-Za-z]{17})"  # longer words are keys, which belong into no label
    r"[a-z][a-z_]*\((?:[0-9a-z_,(){}]|\[[0-9a-fA-F]{8}(?:/[0-9]+[h']?)*\])+\)"
)
_OWN = ("type", "ref", "label", "origin", "spendable")
_KINDS = {kind.value: kind for kind in LabelKind}


@dataclass(frozen=True, slots=True)
class ReadLabels:
    """What a file says. ignored: lines (from 1) of types that BIP-329 does not define."""

    labels: tuple[Label, ...]
    ignored: tuple[int, ...]


def read_labels(name: str, raw: bytes, network: Network) -> ReadLabels:
    """Every record of a JSON Lines file called `name`.

    SecretRefused before anything is kept or repeated; OfficeFileRefused with every wrong line.
    """
    problems = ProblemList()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
        problems.add(Place(name, line, "(text)"), f"byte {raw[wrong.start]:#04x} is not UTF-8")
        problems.refuse_if_any(name)
        raise RuntimeError("a file with a problem was to be refused") from wrong
    refuse_secrets_in(text, where=name)
    found: dict[tuple[str, str, str], tuple[int, Label]] = {}
    ignored: list[int] = []
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        reader = _Line(name, line, network, problems)
        record = reader.record(written)
        if record is None:
            continue
        if isinstance(record.get("type"), str) and record["type"] not in _KINDS:
            ignored.append(line)  # BIP-329: types not defined there are to be ignored
            continue
        label = reader.label(record)
        if label is None:
            continue
        if label.key in found and found[label.key][1] != label:
            reader.wrong("ref", f"line {found[label.key][0]} says something else about it")
        found.setdefault(label.key, (line, label))
    problems.refuse_if_any(name)
    return ReadLabels(tuple(label for _, label in found.values()), tuple(ignored))


def write_labels(labels: Iterable[Label]) -> str:
    """One record a line, in the order of kind and reference, so that equal labels give equal files.

    >>> write_labels([Label(kind=LabelKind.TX, ref="00" * 32, label="x")])[:20]
    '{"type": "tx", "ref"'
    """
    lines = []
    for label in sorted(labels, key=lambda label: label.key):
        record = {
            "type": label.kind.value,
            "ref": label.ref,
            "label": label.label,
            "origin": label.origin,
            "spendable": label.spendable,
        }
        said = {key: value for key, value in record.items() if value is not None}
        lines.append(_written({**said, **label.more}) + "\n")
    return "".join(lines)


class _Line:
    """Reads one line; what is wrong goes to the list of problems."""

    def __init__(self, file: str, line: int, network: Network, problems: ProblemList) -> None:
        self.file, self.line, self.network, self.problems = file, line, network, problems

    def wrong(self, field: str, text: str) -> None:
        self.problems.add(Place(self.file, self.line, field), text)

    def record(self, written: str) -> dict[str, Any] | None:
        try:
            # Decimal and not binary fractions: what is written must come out as it went in.
            record = json.loads(
                written, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once
            )
        except (ValueError, RecursionError) as wrong:
            words = wrong.msg if isinstance(wrong, json.JSONDecodeError) else str(wrong)
            self.wrong("(line)", f"is not one JSON object: {words}")
            return None
        refuse_secrets_in_values(record, where=self.file, line=self.line)
        if not isinstance(record, dict):
            self.wrong("(line)", "is not one JSON object {...}")
            return None
        return record

    def label(self, record: Mapping[str, Any]) -> Label | None:
        before = len(self.problems.found)
        kind = _KINDS.get(str(record.get("type")))
        if kind is None:
            self.wrong("type", "is missing" if "type" not in record else "should be text")
            return None
        ref = self._ref(kind, record.get("ref"))
        label = record.get("label")
        if label is not None and not isinstance(label, str):
            self.wrong("label", "should be text")
        elif label is not None and len(label) > MOST_LABEL:
            self.wrong("label", f"is longer than {MOST_LABEL} characters")
        elif label is not None and not label.isprintable():
            self.wrong("label", "holds a line break or another control character")
        origin = record.get("origin")
        if origin is not None and not (
            isinstance(origin, str) and _ORIGIN_WALLET.fullmatch(origin)
        ):
            self.wrong("origin", "should be like wpkh([d34db33f/84h/0h/0h]), without any key")
        spendable = record.get("spendable")
        if spendable is not None and not isinstance(spendable, bool):
            self.wrong("spendable", "should be true or false, without quotes")
        elif spendable is not None and kind is not LabelKind.OUTPUT:
            self.wrong(
                "spendable", f"belongs to outputs only, not to a record of type {kind.value}"
            )
        if len(self.problems.found) > before:
            return None
        more = {key: value for key, value in record.items() if key not in _OWN}
        return Label(kind=kind, ref=ref, label=label, origin=origin, spendable=spendable, more=more)

    def _ref(self, kind: LabelKind, ref: object) -> str:
        if not isinstance(ref, str):
            self.wrong("ref", "is missing" if ref is None else "should be text")
            return ""
        problem, clean = _checked(kind, ref, self.network)
        if problem:
            self.wrong("ref", problem)
        return clean


def _checked(kind: LabelKind, ref: str, network: Network) -> tuple[str | None, str]:
    """What is wrong with a reference, and its one spelling."""
    match kind:
        case LabelKind.TX:
            ok = _TXID.fullmatch(ref)
            return (None if ok else "a txid has 64 hex digits"), ref.lower()
        case LabelKind.INPUT | LabelKind.OUTPUT:
            coin = _COIN.fullmatch(ref)
            if coin is None or int(coin[2]) >= 1 << 32:
                return "should be a txid, a colon and a position", ref
            return None, ref.lower()
        case LabelKind.ADDR:
            try:
                script_of(ref, network)
            except (BadAddress, SecretInsteadOfAddress) as wrong:
                return str(wrong), ref
            return None, ref.lower() if ref[:3].isupper() and "1" in ref[:5] else ref
        case LabelKind.PUBKEY:
            return _checked_pubkey(ref), ref.lower()
        case LabelKind.XPUB:
            try:
                key = read_key(ref, place=1, network=network, form=KeyForm.LEGACY)
            except (DescriptorRefused, SecretInDescriptor) as wrong:
                # The place in a one-word text says nothing.
                return getattr(wrong, "problem", "a private key stands here"), ref
            bare = key.extended and not (key.fingerprint or key.steps or key.wildcard)
            return (None if bare else "should be an extended public key alone"), ref


def _checked_pubkey(ref: str) -> str | None:
    if not _PUBKEY.fullmatch(ref) or len(ref) not in (64, 66, 130):
        return "a public key has 32, 33 or 65 bytes, in hex digits"
    raw = bytes.fromhex(ref)
    try:
        wallycore.ec_public_key_verify(b"\x02" + raw if len(raw) == 32 else raw)
    except ValueError:
        return "this is not a public key: no such point exists"
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand once: readers disagree on which of two counts."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key stands twice in it")
    return record


def _no_number(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def _written(value: Any) -> str:
    """JSON with decimal fractions digit for digit, which the standard writer cannot do."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(k, ensure_ascii=False)}: {_written(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
