"""Software signers of every kind of script that holds coins, and ways to sign wrongly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import wallycore

from khazana.bitcoin import script as scripts
from khazana.bitcoin.bip322.numbers import written
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.hashes import hash160, sha256, tagged_hash
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
NUMS = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")

IF, NOTIF, ELSE, ENDIF, VERIFY = 0x63, 0x64, 0x67, 0x68, 0x69
TOALT, FROMALT, IFDUP, DROP, DUP, SWAP, SIZE = 0x6B, 0x6C, 0x73, 0x75, 0x76, 0x7C, 0x82
EQUAL, EQUALVERIFY, NOTEQUAL0, ADD, BOOLAND, BOOLOR = 0x87, 0x88, 0x92, 0x93, 0x9A, 0x9B
NUMEQUAL, SHA256, HASH160, CHECKSIG, CHECKSIGVERIFY = 0x9C, 0xA8, 0xA9, 0xAC, 0xAD
CHECKMULTISIG, CLTV, CSV, CHECKSIGADD = 0xAE, 0xB1, 0xB2, 0xBA


def secret(*name: object) -> bytes:
    """A private key that belongs to nobody: the hash of a name."""
    return sha256(repr(name).encode())


def public(key: bytes, *, compressed: bool = True) -> bytes:
    pub = bytes(wallycore.ec_public_key_from_private_key(key))
    return pub if compressed else bytes(wallycore.ec_public_key_decompress(pub))


def num(value: int) -> bytes:
    """A script's shortest way to push a number."""
    if value == 0:
        return b"\x00"
    return bytes([0x50 + value]) if 1 <= value <= 16 else push(written(value))


def push(data: bytes) -> bytes:
    """A minimal push of anything."""
    if not data:
        return b"\x00"
    if len(data) == 1 and 1 <= data[0] <= 16:
        return bytes([0x50 + data[0]])
    if data == b"\x81":
        return b"\x4f"
    if len(data) < 0x4C:
        return bytes([len(data)]) + data
    if len(data) <= 0xFF:
        return b"\x4c" + bytes([len(data)]) + data
    return b"\x4d" + len(data).to_bytes(2, "little") + data


def code(*parts: int | bytes) -> bytes:
    """A script of opcodes (int) and pushes (bytes)."""
    return b"".join(bytes([p]) if isinstance(p, int) else push(p) for p in parts)


@dataclass(frozen=True)
class Manner:
    """How signatures are made; the defaults are right. bend: changes a finished signature."""

    hash_type: int | None = None
    high_s: bool = False
    bend: Callable[[bytes], bytes] = field(default=lambda signature: signature)


RIGHT = Manner()
Sign = Callable[[bytes], bytes]
"""Private key in, signature with its hash type out."""


@dataclass(frozen=True)
class Spender:
    """Something that can satisfy an output script.

    carrier: "base", "p2sh", "v0", "p2sh-v0", "key" (P2WPKH), "p2sh-key", "tapkey", "tapscript".
    run: the script that is run. stack: what satisfies it, given a way to sign.
    version, sequence, lock_time: what the script needs of the transaction.
    control: a tapscript's control block; for "tapkey" the root that its key is tweaked with.
    """

    name: str
    carrier: str
    run: bytes
    stack: Callable[[Sign], list[bytes]]
    script: bytes
    version: int = 0
    sequence: int = 0
    lock_time: int = 0
    control: bytes = b""

    @property
    def simple(self) -> bool:
        """Whether a *simple* signature can carry it."""
        native = self.carrier in ("v0", "key", "tapkey", "tapscript")
        return native and not (self.version or self.sequence or self.lock_time)

    @property
    def schnorr(self) -> bool:
        return self.carrier.startswith("tap")

    def signed(
        self,
        transaction: Transaction,
        position: int,
        spent: Sequence[TxOut],
        manner: Manner = RIGHT,
        rearranged: Callable[[list[bytes]], list[bytes]] = lambda stack: stack,
    ) -> TxIn:
        """The input, satisfied. rearranged: changes the finished stack."""

        def sign(key: bytes) -> bytes:
            return self._signature(transaction, position, spent, key, manner)

        stack = rearranged(self.stack(sign))
        source = transaction.inputs[position]
        pushes = b"".join(map(push, stack))
        match self.carrier:
            case "base":
                return replace(source, script_sig=pushes)
            case "p2sh":
                return replace(source, script_sig=pushes + push(self.run))
            case "key" | "tapkey":
                return replace(source, witness=tuple(stack))
            case "p2sh-key":
                program = b"\x00\x14" + hash160(stack[1])
                return replace(source, witness=tuple(stack), script_sig=push(program))
            case "v0":
                return replace(source, witness=(*stack, self.run))
            case "p2sh-v0":
                program = scripts.p2wsh(sha256(self.run))
                return replace(source, witness=(*stack, self.run), script_sig=push(program))
            case "tapscript":
                return replace(source, witness=(*stack, self.run, self.control))
        raise ValueError(self.carrier)

    def _signature(
        self,
        transaction: Transaction,
        position: int,
        spent: Sequence[TxOut],
        key: bytes,
        manner: Manner,
    ) -> bytes:
        if self.schnorr:
            hash_type = 0 if manner.hash_type is None else manner.hash_type
            leaf = leaf_hash(self.run) if self.carrier == "tapscript" else None
            digest = taproot_sighash(
                transaction, position, spent=spent, hash_type=hash_type, leaf_hash=leaf
            )
            if self.carrier == "tapkey":
                key = bytes(wallycore.ec_private_key_bip341_tweak(key, self.control or None, 0))
            raw = bytes(wallycore.ec_sig_from_bytes(key, digest, wallycore.EC_FLAG_SCHNORR))
            return manner.bend(raw + bytes([hash_type] if hash_type else []))
        hash_type = 1 if manner.hash_type is None else manner.hash_type
        if self.carrier in ("base", "p2sh"):
            digest = legacy_sighash(
                transaction, position, script_code=self.run, hash_type=hash_type
            )
        else:
            digest = segwit_v0_sighash(
                transaction,
                position,
                script_code=self.run,
                amount=spent[position].amount,
                hash_type=hash_type,
            )
        compact = bytes(wallycore.ec_sig_from_bytes(key, digest, wallycore.EC_FLAG_ECDSA))
        return manner.bend(der(compact, high_s=manner.high_s) + bytes([hash_type]))


def der(compact: bytes, *, high_s: bool = False) -> bytes:
    r, s = int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:], "big")
    if high_s:
        s = ORDER - s
    body = b"".join(b"\x02" + bytes([len(n)]) + n for n in map(_signed_bytes, (r, s)))
    return b"\x30" + bytes([len(body)]) + body


def _signed_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def leaf_hash(script: bytes) -> bytes:
    return tagged_hash("TapLeaf", b"\xc0" + compact_size(len(script)) + script)


def answered(
    spender: Spender,
    message: bytes,
    *,
    manner: Manner = RIGHT,
    rearranged: Callable[[list[bytes]], list[bytes]] = lambda stack: stack,
    version: int | None = None,
    sequence: int | None = None,
    lock_time: int | None = None,
) -> Transaction:
    """`to_sign` for a message, signed by the spender, in its manner."""
    posed = to_spend(message, spender.script)
    bare = to_sign(posed)
    first = replace(bare.inputs[0], sequence=_or(sequence, spender.sequence))
    unsigned = Transaction(
        _or(version, spender.version), (first,), bare.outputs, _or(lock_time, spender.lock_time)
    )
    signed = spender.signed(unsigned, 0, posed.outputs, manner, rearranged)
    return Transaction(unsigned.version, (signed,), bare.outputs, unsigned.lock_time)


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


# Kinds of script


def p2wpkh(key: bytes) -> Spender:
    run = scripts.p2pkh(hash160(public(key)))
    return Spender("p2wpkh", "key", run, lambda s: [s(key), public(key)], scripts.p2wpkh(run[3:23]))


def wrapped_p2wpkh(key: bytes) -> Spender:
    inner = p2wpkh(key)
    return replace(
        inner, name="p2sh-p2wpkh", carrier="p2sh-key", script=scripts.p2sh(hash160(inner.script))
    )


def p2pkh(key: bytes, *, compressed: bool = True) -> Spender:
    pub = public(key, compressed=compressed)
    run = scripts.p2pkh(hash160(pub))
    name = "p2pkh" if compressed else "p2pkh-uncompressed"
    return Spender(name, "base", run, lambda s: [s(key), pub], run)


def p2pk(key: bytes) -> Spender:
    run = scripts.p2pk(public(key))
    return Spender("p2pk", "base", run, lambda s: [s(key)], run)


def carried(name: str, carrier: str, run: bytes, stack: Callable[[Sign], list[bytes]]) -> Spender:
    """A script in one of the four carriers that hold scripts before taproot."""
    program = scripts.p2wsh(sha256(run))
    script = {
        "base": run,
        "p2sh": scripts.p2sh(hash160(run)),
        "v0": program,
        "p2sh-v0": scripts.p2sh(hash160(program)),
    }[carrier]
    return Spender(f"{carrier} {name}", carrier, run, stack, script)


def multi(
    keys: Sequence[bytes], signing: Sequence[int], *, carrier: str = "v0", ordered: bool = False
) -> Spender:
    """len(signing) of the keys must sign; those at the places in `signing` do."""
    keys = sorted(keys, key=public) if ordered else list(keys)
    run = scripts.multisig([public(k) for k in keys], required=len(signing))
    signers = [keys[place] for place in sorted(signing)]
    name = f"{'sorted' if ordered else ''}multi {len(signing)} of {len(keys)}"
    return carried(name, carrier, run, lambda s: [b"", *map(s, signers)])


def multi_or_older(
    keys: Sequence[bytes], heir: bytes, age: int, *, recover: bool, carrier: str = "v0"
) -> Spender:
    """or_d(multi(2,...),and_v(v:pkh(heir),older(age)))."""
    pubs = [public(k) for k in keys]
    primary = scripts.multisig(pubs, required=2)
    run = primary + code(
        IFDUP, NOTIF, DUP, HASH160, hash160(public(heir)), EQUALVERIFY, CHECKSIGVERIFY
    )
    run += num(age) + code(CSV, ENDIF)
    if not recover:
        return carried("or_d primary", carrier, run, lambda s: [b"", s(keys[0]), s(keys[1])])
    spender = carried(
        "or_d recovery", carrier, run, lambda s: [s(heir), public(heir), b"", b"", b""]
    )
    return replace(spender, version=2, sequence=age)


def thresh_with_after(keys: Sequence[bytes], height: int, *, wait: bool) -> Spender:
    """thresh(2,pk(A),s:pk(B),sln:after(height))."""
    a, b = (public(k) for k in keys[:2])
    run = code(a, CHECKSIG, SWAP, b, CHECKSIG, ADD, SWAP, IF, 0, ELSE) + num(height)
    run += code(CLTV, NOTEQUAL0, ENDIF, ADD) + num(2) + code(EQUAL)
    if wait:
        spender = carried("thresh late", "v0", run, lambda s: [b"", b"", s(keys[0])])
        return replace(spender, lock_time=height, sequence=0xFFFF_FFFE)
    return carried("thresh early", "v0", run, lambda s: [b"\x01", s(keys[1]), s(keys[0])])


def key_and_preimage(key: bytes, preimage: bytes, *, carrier: str = "v0") -> Spender:
    """and_v(v:pk(K),sha256(H))."""
    run = code(public(key), CHECKSIGVERIFY, SIZE) + num(32) + code(EQUALVERIFY, SHA256)
    run += code(sha256(preimage), EQUAL)
    return carried("and_v sha256", carrier, run, lambda s: [preimage, s(key)])


def either(one: bytes, other: bytes, *, first: bool) -> Spender:
    """or_i(pk(A),pk(B))."""
    run = code(IF, public(one), CHECKSIG, ELSE, public(other), CHECKSIG, ENDIF)
    key, choice = (one, b"\x01") if first else (other, b"")
    return carried("or_i", "v0", run, lambda s: [s(key), choice])


def p2tr(key: bytes, root: bytes = b"") -> Spender:
    """The key path; root: of a script tree that is not used."""
    output = bytes(wallycore.ec_public_key_bip341_tweak(public(key), root or None, 0))
    script = scripts.p2tr(output[1:])
    return Spender("p2tr key", "tapkey", b"", lambda s: [s(key)], script, control=root)


def leaf(
    name: str, run: bytes, stack: Callable[[Sign], list[bytes]], *, others: Sequence[bytes] = ()
) -> Spender:
    """A script path below NUMS. others: the sibling hashes on the way up."""
    root = leaf_hash(run)
    for other in others:
        root = tagged_hash("TapBranch", b"".join(sorted((root, other))))
    output = bytes(wallycore.ec_public_key_bip341_tweak(b"\x02" + NUMS, root, 0))
    control = bytes([0xC0 | (output[0] & 1)]) + NUMS + b"".join(others)
    return Spender(
        f"tapscript {name}", "tapscript", run, stack, scripts.p2tr(output[1:]), control=control
    )


def multi_a(keys: Sequence[bytes], signing: Sequence[int], others: Sequence[bytes] = ()) -> Spender:
    run = code(public(keys[0])[1:], CHECKSIG)
    for key in keys[1:]:
        run += code(public(key)[1:], CHECKSIGADD)
    run += num(len(signing)) + code(NUMEQUAL)
    return leaf(
        f"multi_a {len(signing)} of {len(keys)}",
        run,
        lambda s: [s(k) if p in signing else b"" for p, k in reversed(list(enumerate(keys)))],
        others=others,
    )


def leaf_older(key: bytes, age: int, others: Sequence[bytes] = ()) -> Spender:
    run = code(public(key)[1:], CHECKSIGVERIFY) + num(age) + code(CSV)
    return replace(leaf("older", run, lambda s: [s(key)], others=others), version=2, sequence=age)
