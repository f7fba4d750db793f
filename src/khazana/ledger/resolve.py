"""From an office's file to an office: block names become blocks, script sources become scripts."""

from collections.abc import Callable, Iterable, Mapping

from khazana.bitcoin.address import script_of
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import DescriptorEngine, parse_descriptor
from khazana.bitcoin.network import Network
from khazana.errors import KhazanaError
from khazana.ledger.accounts import LaneSpan, Membership, Perimeter, Seal, Wallet
from khazana.ledger.entries import BookEntry
from khazana.ledger.office import (
    AddressSource,
    Attestation,
    AttestationLine,
    BlockName,
    BookLine,
    DescriptorSource,
    NamedBlock,
    Office,
    OfficeFile,
    PerimeterLine,
    Place,
    RawSource,
    ScriptSource,
    SealedWallet,
    WalletLine,
)
from khazana.ledger.problems import ProblemList
from khazana.ledger.seals import seal_commitment
from khazana.units import BlockHash, Height

_FOREVER = 2**32
"""Above every height (a height has 32 bits)."""
_NOWHERE = BlockRef(Height(0), BlockHash(""))

BlockOf = Callable[[BlockName], BlockRef]
"""The best chain's block of a name; a KhazanaError when there is none."""
Derive = Callable[[ScriptSource], tuple[bytes, ...]]
"""The scripts of a source, in derivation order; a KhazanaError when it is unsound."""


def listed_scripts(source: AddressSource | RawSource, network: Network) -> tuple[bytes, ...]:
    """The scripts of a source that lists them; a descriptor needs an engine for descriptors."""
    if isinstance(source, AddressSource):
        return tuple(script_of(address, network) for address in source.addresses)
    return source.scripts


def scripts_by(engine: DescriptorEngine, network: Network) -> Derive:
    """How to derive any source: descriptors by an engine, branch after branch, the rest as listed.

    A descriptor's scripts are those of the stated ranges, in the order the ranges are stated.
    """

    def derive(source: ScriptSource) -> tuple[bytes, ...]:
        if not isinstance(source, DescriptorSource):
            return listed_scripts(source, network)
        descriptor = parse_descriptor(source.descriptor, network)
        return tuple(
            script
            for part in source.branches
            for script in engine.derive(descriptor, branch=part.branch, start=0, stop=part.stop)
        )

    return derive


def resolve(file: OfficeFile, block_of: BlockOf, derive: Derive) -> Office:
    """The office, or `OfficeFileRefused` with every name that has no block, every source that
    cannot be derived, and everything that is out of order once the blocks are known.
    """
    work = _Resolver(block_of)
    scripts = {line.id: work.scripts(line, derive) for line in file.wallets}
    work.scripts_once(file.wallets, scripts)
    # A value with a problem is not built; the refusal below comes before anybody could miss it.
    wallets = [work.wallet(line, scripts[line.id]) for line in file.wallets]
    perimeters = [work.perimeter(line) for line in file.perimeters]
    sealed = tuple(SealedWallet(line.commitment, work.block(line.block)) for line in file.sealed)
    attestations = tuple(work.attestation(line) for line in file.attestations)
    book_entries = tuple(work.book_entry(line) for line in file.book_entries)
    work.problems.refuse_if_any(file.file)
    return Office(
        id=file.id,
        name=file.name,
        network=file.network,
        test=file.test,
        notice=file.notice,
        rules=file.rules,
        entities=file.entities,
        wallets=tuple(wallet for wallet in wallets if wallet is not None),
        sources={line.id: line.source for line in file.wallets},
        sealed=sealed,
        accounts=file.accounts,
        attestations=attestations,
        perimeters=tuple(perimeter for perimeter in perimeters if perimeter is not None),
        exclusions=file.exclusions,
        documents=file.documents,
        book_entries=book_entries,
        keys=file.keys,
        roles=file.roles,
        storage={line.id: line.storage for line in file.wallets if line.storage is not None},
    )


class _Resolver:
    def __init__(self, block_of: BlockOf) -> None:
        self.problems = ProblemList()
        self.block_of = block_of
        self.known: dict[BlockName, BlockRef | str] = {}
        self.attested: set[tuple[str, BlockRef]] = set()

    def block(self, named: NamedBlock) -> BlockRef:
        """Ask once per name; report at each place."""
        if named.name not in self.known:
            try:
                self.known[named.name] = self.block_of(named.name)
            except KhazanaError as wrong:
                self.known[named.name] = str(wrong)
        answer = self.known[named.name]
        if isinstance(answer, BlockRef):
            return answer
        self.problems.add(named.place, answer)
        return _NOWHERE

    def maybe_block(self, named: NamedBlock | None) -> BlockRef | None:
        return None if named is None else self.block(named)

    def scripts(self, line: WalletLine, derive: Derive) -> tuple[bytes, ...]:
        place = Place(line.place.file, line.place.line, f"{line.place.field} ({line.id})")
        try:
            scripts = derive(line.source)
        except KhazanaError as wrong:
            self.problems.add(place, str(wrong))
            return ()
        if not scripts:
            self.problems.add(place, "has no script")
        if len(set(scripts)) != len(scripts):
            self.problems.add(place, "declares a script twice")
        return scripts

    def scripts_once(
        self, lines: Iterable[WalletLine], scripts: Mapping[str, tuple[bytes, ...]]
    ) -> None:
        """No script may be in two wallets: its coins would be counted twice (Rule L5)."""
        owner: dict[bytes, str] = {}
        for line in lines:
            shared = {owner[script] for script in scripts[line.id] if script in owner}
            if shared:
                text = f"declares scripts that {', '.join(sorted(shared))} declares already"
                self.problems.add(line.place, text)
            owner.update((script, line.id) for script in scripts[line.id])

    def wallet(self, line: WalletLine, scripts: tuple[bytes, ...]) -> Wallet | None:
        found = len(self.problems.found)
        declared = self.block(line.declared)
        birth = None if line.birth is None else self.block(line.birth).height
        lanes, seal = self._lanes(line), self._seal(line, declared, scripts)
        if len(self.problems.found) > found or len(set(scripts)) != len(scripts):
            return None
        return Wallet(
            id=line.id,
            entity=line.entity,
            name=line.name,
            scripts=scripts,
            lanes=lanes,
            declared=declared,
            seal=seal,
            birth=birth,
        )

    def _lanes(self, line: WalletLine) -> tuple[LaneSpan, ...]:
        spans = []
        last = -1
        for lane in line.lanes:
            since = self.maybe_block(lane.since)
            if lane.since is not None and since is not None and since != _NOWHERE:
                if since.height <= last:
                    self.problems.add(lane.since.place, "lanes must follow one another in time")
                last = since.height
            spans.append(LaneSpan(lane.lane, since, lane.document))
        return tuple(spans)

    def _seal(
        self, line: WalletLine, declared: BlockRef, scripts: tuple[bytes, ...]
    ) -> Seal | None:
        if line.seal is None:
            return None
        block = self.block(line.seal.block)
        if _NOWHERE not in (block, declared) and block.height > declared.height:
            text = "the wallet was declared before it was sealed: a seal comes first"
            self.problems.add(line.seal.block.place, text)
        salt = line.seal.salt
        opened = seal_commitment(scripts, bytes.fromhex(salt)) if scripts and salt else None
        if opened is not None and opened != line.seal.commitment:
            text = "the commitment does not open: these scripts and this salt give another hash"
            self.problems.add(line.seal.block.place, text)
        return Seal(line.seal.commitment, block, salt)

    def perimeter(self, line: PerimeterLine) -> Perimeter | None:
        found = len(self.problems.found)
        members = []
        spans: dict[str, list[tuple[int, int]]] = {member.account: [] for member in line.members}
        for member in line.members:
            since, until = self.maybe_block(member.since), self.maybe_block(member.until)
            if _NOWHERE in (since, until):
                continue
            first = -1 if since is None else since.height
            last = _FOREVER if until is None else until.height
            if last <= first:
                place = member.place if member.until is None else member.until.place
                self.problems.add(place, "ends before it begins")
                continue
            if any(first < end and start < last for start, end in spans[member.account]):
                text = f"{member.account} is a member twice at the same time"
                self.problems.add(member.place, text)
            spans[member.account].append((first, last))
            members.append(Membership(member.account, since, until, member.document))
        if len(self.problems.found) > found:
            return None
        return Perimeter(line.id, line.name, tuple(members))

    def attestation(self, line: AttestationLine) -> Attestation:
        as_of = self.block(line.as_of)
        # A date and a height may name one block: two balances for it would be one too many.
        if as_of != _NOWHERE and (line.account, as_of) in self.attested:
            text = f"{line.account} is attested for block {as_of} already"
            self.problems.add(line.as_of.place, text)
        self.attested.add((line.account, as_of))
        return Attestation(
            account=line.account,
            as_of=as_of,
            amount=line.amount,
            document=line.document,
            attested_by=line.attested_by,
            file_sha256=line.file_sha256,
        )

    def book_entry(self, line: BookLine) -> BookEntry:
        return BookEntry(
            kind=line.kind,
            block=self.block(line.block),
            account=line.account,
            amount=line.amount,
            document=line.document,
            details=None if line.note is None else {"note": line.note},
        )
