"""Messages that cosigners signed alone, as devices and wallet programs write them to files.

-----BEGIN BITCOIN SIGNED MESSAGE-----
the message
-----BEGIN BITCOIN SIGNATURE-----
the address of the key
the signature in base64
-----END BITCOIN SIGNATURE-----
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.bip137 import is_bip137, signer_of
from khazana.bitcoin.bip322.verdict import Variant
from khazana.bitcoin.descriptor import KeyExpression
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.script import p2wpkh
from khazana.custody.campaign import CampaignWallet
from khazana.custody.collect import Stray
from khazana.custody.cosigners import can_spend_at_once, message_holds
from khazana.custody.message import ControlMessage
from khazana.custody.policy import is_nobodys, key_id

_BEGIN = b"-----BEGIN BITCOIN SIGNED MESSAGE-----"
_ARMOUR = re.compile(
    r"-----BEGIN BITCOIN SIGNED MESSAGE-----\n(.*?)\n"
    r"-----BEGIN (?:BITCOIN )?SIGNATURE-----\n(\S+)\n+(\S+)\n"
    r"-----END (?:BITCOIN )?(?:SIGNATURE|SIGNED MESSAGE)-----\n*",
    re.DOTALL,
)
MOST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a wallet at one address."""

    wallet: str
    key: KeyExpression
    branch: int
    index: int


@dataclass(frozen=True, slots=True)
class WalletMessages:
    """Who of a wallet's cosigners signed alone. enough: they could spend at once."""

    wallet: str
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    enough: bool

    @property
    def words(self) -> str:
        said = f"{self.wallet}: {', '.join(self.signed)} signed the message alone"
        if not self.enough:
            said += f"; that is too few, missing: {', '.join(self.missing)}"
        return said


@dataclass(frozen=True, slots=True)
class CollectedMessages:
    """signatures: of each wallet, as evidence holds them."""

    signatures: Mapping[str, Sequence[Mapping[str, str | int]]]
    wallets: tuple[WalletMessages, ...]
    stray: tuple[Stray, ...]


def is_signed_text(raw: bytes) -> bool:
    """Whether a file looks like a signed message rather than a PSBT."""
    return raw.lstrip().startswith(_BEGIN)


def collect_messages(
    message: ControlMessage,
    wallets: Sequence[CampaignWallet],
    files: Iterable[tuple[str, bytes]],
) -> CollectedMessages:
    """Whose messages came back; nothing in a file raises, each problem has a name.

    A key that stands in several wallets speaks in each of them.
    """
    found: dict[tuple[str, str], dict[str, str | int]] = {}
    stray: list[Stray] = []
    by_public: dict[bytes, list[Place]] | None = None
    for name, raw in files:
        if by_public is None:
            by_public = _places(wallets)
        read = _read(raw)
        if read is None:
            stray.append(Stray(name, "not a signed message that can be read"))
            continue
        text, address, signature = read
        if text != message.text:
            stray.append(Stray(name, "it is about another message, such as another root"))
            continue
        if not is_bip137(signature) and not signature.startswith(tuple(v.value for v in Variant)):
            # Programs wrote simple signatures without their prefix before BIP-322 asked for one.
            signature = Variant.SIMPLE.value + signature
        places = by_public.get(_public(signature, text, address, by_public, wallets) or b"", [])
        good = [place for place in places if _holds(place, signature, text)]
        if not good:
            stray.append(Stray(name, "its signature is by no key of these wallets, or is bad"))
        for place in good:
            row: dict[str, str | int] = {
                "key": key_id(place.key),
                "branch": place.branch,
                "index": place.index,
                "signature": signature,
            }
            found.setdefault((place.wallet, key_id(place.key)), row)
    signatures: dict[str, list[dict[str, str | int]]] = {}
    for (wallet, _), row in sorted(found.items()):
        signatures.setdefault(wallet, []).append(row)
    states = tuple(_state(w, found) for w in wallets if w.id in signatures)
    return CollectedMessages(signatures, states, tuple(stray))


def signing_paths(wallet: CampaignWallet) -> Iterator[tuple[str, str]]:
    """Each cosigner's fingerprint with a path where its device can sign the message alone."""
    for key in wallet.descriptor.keys:
        if is_nobodys(key):
            continue
        steps = [*key.origin_path, *key.path_of(0), *([0] if key.wildcard else [])]
        path = "/".join(f"{s & 0x7FFF_FFFF}{'h' if s >> 31 else ''}" for s in steps)
        yield _named(key), f"m/{path}"


def _read(raw: bytes) -> tuple[str, str, str] | None:
    if len(raw) > MOST_BYTES:
        return None
    try:
        text = raw.decode("ascii").replace("\r\n", "\n").strip() + "\n"
    except UnicodeDecodeError:
        return None
    found = _ARMOUR.fullmatch(text)
    return (found[1], found[2], found[3]) if found else None


def _places(wallets: Sequence[CampaignWallet]) -> dict[bytes, list[Place]]:
    """Every key of every wallet in its range, by the compressed public key there."""
    found: dict[bytes, list[Place]] = {}
    for wallet in wallets:
        for key in wallet.descriptor.keys:
            for branch, stop in wallet.branches:
                for index in range(stop if key.wildcard else 1):
                    public = key.public_key(branch, index)
                    public = b"\x02" + public if len(public) == 32 else public
                    found.setdefault(public, []).append(Place(wallet.id, key, branch, index))
    return found


def _public(
    signature: str,
    text: str,
    address: str,
    known: Mapping[bytes, list[Place]],
    wallets: Sequence[CampaignWallet],
) -> bytes | None:
    """The public key that a signature is by: its own word, or that of the address."""
    if is_bip137(signature):
        return signer_of(signature, text.encode())
    try:
        script = script_of(address, wallets[0].descriptor.network)
    except (BadAddress, SecretInsteadOfAddress):
        return None
    return next((public for public in known if p2wpkh(hash160(public)) == script), None)


def _holds(place: Place, signature: str, text: str) -> bool:
    return message_holds(signature, text, key=place.key, branch=place.branch, index=place.index)


def _state(wallet: CampaignWallet, found: Mapping[tuple[str, str], object]) -> WalletMessages:
    signed: list[str] = []
    missing: list[str] = []
    for key in wallet.descriptor.keys:
        if not is_nobodys(key):
            (signed if (wallet.id, key_id(key)) in found else missing).append(_named(key))
    by = frozenset(key for name, key in found if name == wallet.id)
    return WalletMessages(
        wallet.id,
        tuple(dict.fromkeys(signed)),
        tuple(dict.fromkeys(missing)),
        can_spend_at_once(wallet.descriptor, by),
    )


def _named(key: KeyExpression) -> str:
    return key.fingerprint or f"{key.key[:16]}…"
