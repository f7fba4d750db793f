"""The wallets of office.toml: scripts, lanes, seals; nothing that could spend may stand there."""

import re
from collections.abc import Iterator

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.descriptor import Descriptor, DescriptorRangeRefused, parse_descriptor
from khazana.bitcoin.network import Network
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Lane
from khazana.ledger.office import (
    AddressSource,
    BranchRange,
    DescriptorSource,
    LaneLine,
    RawSource,
    ScriptSource,
    SealLine,
    Storage,
    WalletLine,
)
from khazana.ledger.sections import Section

MOST_INDEX = 1_000_000
"""Scripts per branch that a wallet may state; more is a typing error, not a wallet."""
MOST_GAP = 100_000

_RAW = re.compile(r"raw\(((?:[0-9a-f]{2}){1,10000})\)")
_SALT = re.compile(r"[0-9a-f]{32}")
_SOURCES = ("descriptor", "addresses", "raw")


def read_wallets(sections: list[Section], network: Network) -> Iterator[WalletLine]:
    """Every [[wallet]]; a script that two of them declare is refused where it stands again."""
    taken: dict[bytes, str] = {}
    for section in sections:
        yield _wallet(section, network, taken)


def _wallet(section: Section, network: Network, taken: dict[bytes, str]) -> WalletLine:
    id_ = section.identifier()
    wallet = WalletLine(
        id=id_,
        entity=section.identifier("entity"),
        name=section.names(),
        source=_source(section, network, id_, taken),
        lanes=tuple(_lanes(section)),
        declared=section.block("declared"),
        seal=_seal(section),
        birth=section.maybe_block("birth"),
        place=section.place(),
        storage=section.choice("storage", Storage) if section.has("storage") else None,
    )
    section.finish()
    return wallet


def _source(
    section: Section, network: Network, wallet: str, taken: dict[bytes, str]
) -> ScriptSource:
    given = [key for key in _SOURCES if section.has(key)]
    if len(given) != 1:
        section.wrong(f"needs exactly one of {', '.join(_SOURCES)}; it has {len(given)}")
        for key in ("range", "gap"):
            section.has(key)
        return RawSource(())
    if given == ["descriptor"]:
        return _descriptor(section, network)
    if given == ["addresses"]:
        addresses = []
        for address, position in section.texts("addresses"):
            try:
                script = script_of(address, network)
            except (BadAddress, SecretInsteadOfAddress) as wrong:
                section.wrong(str(wrong), "addresses", position)
                continue
            _claim(section, script, wallet, taken, "addresses", position)
            addresses.append(address)
        if not section.values["addresses"]:
            section.wrong("lists no address", "addresses")
        return AddressSource(tuple(addresses))
    scripts = []
    for text, position in section.texts("raw"):
        found = _RAW.fullmatch(text)
        if found is None:
            section.wrong("should be raw(HEX) with lower-case hex digits", "raw", position)
            continue
        script = bytes.fromhex(found[1])
        _claim(section, script, wallet, taken, "raw", position)
        scripts.append(script)
    if not section.values["raw"]:
        section.wrong("lists no script", "raw")
    return RawSource(tuple(scripts))


def _claim(
    section: Section,
    script: bytes,
    wallet: str,
    taken: dict[bytes, str],
    key: str,
    position: int,
) -> None:
    if script in taken:
        section.wrong(f"this script is declared by wallet {taken[script]} already", key, position)
    taken.setdefault(script, wallet)


def _descriptor(section: Section, network: Network) -> DescriptorSource:
    text = section.text("descriptor")
    descriptor: Descriptor | None = None
    try:
        descriptor = parse_descriptor(text, network) if text else None
    except KhazanaError as wrong:
        section.wrong(str(wrong), "descriptor")
    branches = []
    for part in section.sections("range"):
        line = BranchRange(
            part.integer("branch", least=0, most=0x7FFF_FFFF),
            part.integer("stop", least=1, most=MOST_INDEX),
        )
        try:
            if descriptor is not None:
                descriptor.check_range(branch=line.branch, start=0, stop=line.stop)
        except DescriptorRangeRefused as wrong:
            part.wrong(str(wrong))
        branches.append(line)
        part.finish()
    stated = {line.branch for line in branches}
    for missing in sorted(set(range(descriptor.branches if descriptor else 0)) - stated):
        # Coins on a branch without a range would be the wallet's and yet not counted.
        section.wrong(f"states nothing for branch {missing} of the descriptor", "range")
    if not branches:
        section.wrong("is missing: [{branch = 0, stop = 1000}]", "range")
    for branch in sorted({b.branch for b in branches}):
        if sum(b.branch == branch for b in branches) > 1:
            section.wrong(f"states branch {branch} twice", "range")
    gap = section.integer("gap", least=0, most=MOST_GAP)
    if any(branch.stop < gap for branch in branches):
        section.wrong("is larger than a range, which includes it", "gap")
    return DescriptorSource(text, tuple(branches), gap)


def _lanes(section: Section) -> Iterator[LaneLine]:
    lanes = section.sections("lane")
    if not lanes:
        section.wrong('is missing: [[wallet.lane]] with lane = "owned"', "lane")
    for position, lane in enumerate(lanes):
        kind = lane.choice("lane", Lane)
        since = lane.maybe_block("since")
        if position == 0 and since is not None:
            lane.wrong("the first lane holds from the start; remove this", "since")
        if position > 0 and since is None:
            lane.wrong("is missing: name the block at whose end the lane changed", "since")
        yield LaneLine(kind, since, lane.maybe_text("document"))
        lane.finish()


def _seal(section: Section) -> SealLine | None:
    sealed = section.section("sealed", required=False)
    if sealed is None:
        return None
    line = SealLine(sealed.hash("commitment"), sealed.block("block"), sealed.maybe_text("salt"))
    if line.salt is not None and not _SALT.fullmatch(line.salt):
        sealed.wrong("should be 32 lower-case hex digits (16 bytes)", "salt")
    sealed.finish()
    return line
