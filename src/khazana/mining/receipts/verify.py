"""What a share receipt proves, or the first thing that is wrong with it (rules E20 to E27).

Every receipt is judged alone in some 20 microseconds; `audit_receipts` adds what only a whole file
shows: a share that is claimed twice.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction
from khazana.ledger.findings import Finding
from khazana.mining.receipts.receipt import Receipt, ReceiptsFile
from khazana.mining.receipts.terms import ReceiptTerms, Slot

_TIMES = struct.Struct("<II")
_INPUT = bytes.fromhex("01") + bytes(32) + bytes.fromhex("ffffffff")
"""A coinbase's only input begins so: a count of one, no transaction, no output."""
_SCRIPT_AT = 4 + len(_INPUT)
_COINBASE_SCRIPT = range(2, 101)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a receipt proves nothing. rule: of docs/spec/mining-evidence.md."""

    rule: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class ReceiptsAudit:
    """The findings about a file of receipts, and the shares that count."""

    site: str
    target: int
    findings: tuple[Finding, ...]
    receipts: int
    counted: tuple[tuple[int, bytes], ...]
    """(height of the block worked on, header hash) of each share that counts, in order."""


def audit_receipts(
    files: Iterable[ReceiptsFile], terms: Iterable[ReceiptTerms]
) -> tuple[ReceiptsAudit, ...]:
    """One audit per file; a share that two files or one file twice claim counts once.

    terms: one for each site. A file of a site without terms, or under another share target than
    the agreed one, counts for nothing.
    """
    by_site = {each.site: each for each in terms}
    seen: dict[bytes, str] = {}
    return tuple(_audited(file, by_site.get(file.site), seen) for file in files)


def audit_each(pairs: Iterable[tuple[ReceiptsFile, ReceiptTerms]]) -> tuple[ReceiptsAudit, ...]:
    """The same with terms of its own for each file: a site's target may change by the month."""
    seen: dict[bytes, str] = {}
    return tuple(_audited(file, terms, seen) for file, terms in pairs)


def _audited(
    file: ReceiptsFile, terms: ReceiptTerms | None, seen: dict[bytes, str]
) -> ReceiptsAudit:
    findings: list[Finding] = []
    counted: list[tuple[int, bytes]] = []
    problem = None
    if terms is None:
        problem = f"no terms were agreed for site {file.site}"
    elif file.target != terms.target:
        problem = f"its share target is {file.target:064x}; agreed is {terms.target:064x}"
    if problem is not None:
        findings.append(Finding("E20", problem, file.file))
    elif terms is not None:
        judge = ReceiptJudge(terms)
        for number, receipt in enumerate(file.receipts, start=1):
            found = judge.judge(receipt)
            if isinstance(found, Wrong):
                findings.append(Finding(found.rule, found.problem, _place(file, number, receipt)))
                continue
            height, share = found
            if share in seen:
                text = f"share {share[::-1].hex()} is claimed already in {seen[share]}"
                findings.append(Finding("E27", text, _place(file, number, receipt)))
                continue
            seen[share] = f"{file.file}, receipt {number}"
            counted.append((height, share))
    return ReceiptsAudit(
        site=file.site,
        target=file.target,
        findings=tuple(findings),
        receipts=len(file),
        counted=tuple(counted),
    )


def _place(file: ReceiptsFile, number: int, receipt: Receipt) -> str:
    return f"{file.file}, receipt {number} at byte {receipt.offset}"


class ReceiptJudge:
    """Judges receipts under one site's terms; it remembers the outputs of coinbases it has read.

    All shares of one template differ only in the coinbase's script, so that what follows the
    script is read once per template.
    """

    def __init__(self, terms: ReceiptTerms) -> None:
        self.terms = terms
        self._tag = terms.tag
        self._slots = terms.slots
        self._target = terms.target
        self._paid: dict[bytes, tuple[int, int]] = {}

    def judge(self, receipt: Receipt) -> tuple[int, bytes] | Wrong:
        """(height of the block worked on, header hash) of a share that counts, or why not."""
        sha256 = hashlib.sha256
        header, coinbase, branch, _ = receipt
        # 1. The work itself.
        share = sha256(sha256(header).digest()).digest()
        if int.from_bytes(share, "little") > self._target:
            return Wrong("E21", f"hash {share[::-1].hex()} is above the share target")
        slot = self._slots.get(header[4:36])
        if slot is None:
            below = header[4:36][::-1].hex()
            return Wrong("E22", f"it builds on block {below}, not on a block of these times")
        time, bits = _TIMES.unpack_from(header, 68)
        if bits != slot.bits:
            text = f"bits {bits:08x} where block {slot.height} needs {slot.bits:08x}"
            return Wrong("E23", f"{text}: it could never have become that block")
        if not slot.after < time <= slot.until:
            text = f"its time {time} is not after {slot.after} and at most {slot.until}"
            return Wrong("E24", f"{text}, when block {slot.height} was worked on")
        # 2. The coinbase, up to the root that the work was done over.
        node = sha256(sha256(coinbase).digest()).digest()
        for sibling in branch:
            if sibling == node:  # CVE-2012-2459: a tree of copies
                return Wrong("E25", "its branch pairs a hash with itself")
            node = sha256(sha256(node + sibling).digest()).digest()
        if node != header[36:68]:
            return Wrong("E25", "coinbase and branch do not lead to the header's Merkle root")
        if len(coinbase) == 64:  # CVE-2017-12842: it may be two hashes of the tree
            return Wrong("E25", "a coinbase of 64 bytes may be a node of the tree")
        # 3. Whom the coinbase pays.
        return self._coinbase(coinbase, slot, share)

    def _coinbase(self, coinbase: bytes, slot: Slot, share: bytes) -> tuple[int, bytes] | Wrong:
        length = coinbase[_SCRIPT_AT] if len(coinbase) > _SCRIPT_AT else 0
        end = _SCRIPT_AT + 1 + length
        if coinbase[4:_SCRIPT_AT] != _INPUT or length not in _COINBASE_SCRIPT:
            return Wrong("E25", "the transaction is no coinbase without witness")
        script = coinbase[_SCRIPT_AT + 1 : end]
        if self._tag not in script:
            return Wrong("E26", f"its coinbase does not name {self._tag.decode()}")
        if not script.startswith(height_push(slot.height)):  # BIP-34
            return Wrong("E25", f"its coinbase does not state height {slot.height}")
        paid = self._paid.get(coinbase[end:])
        if paid is None:
            try:
                transaction = Transaction.parse(coinbase, witness=False)
            except MalformedBytes as malformed:
                return Wrong("E25", f"the coinbase is not a transaction: {malformed}")
            paid = self._paid[coinbase[end:]] = _paid(transaction, self.terms.scripts)
        ours, others = paid
        if others:
            return Wrong("E26", f"its coinbase pays {others} sat to scripts not of the reserve")
        if ours < slot.subsidy:
            text = f"its coinbase pays the reserve {ours} sat, less than the subsidy {slot.subsidy}"
            return Wrong("E26", text)
        return slot.height, share


def _paid(transaction: Transaction, scripts: frozenset[bytes]) -> tuple[int, int]:
    """Satoshis to the reserve, and satoshis to anybody else."""
    ours = others = 0
    for output in transaction.outputs:
        if output.script in scripts:
            ours += output.amount
        else:
            others += abs(output.amount)
    return ours, others


def height_push(height: int) -> bytes:
    """How a coinbase's script begins with its block's height (BIP-34): a minimal push."""
    if height <= 16:
        return bytes([0x50 + height]) if height else b"\x00"
    raw = height.to_bytes((height.bit_length() + 8) // 8, "little")
    return bytes([len(raw)]) + raw


def all_findings(audits: Iterable[ReceiptsAudit]) -> Iterator[Finding]:
    """The findings of several files, in order."""
    for audit in audits:
        yield from audit.findings
