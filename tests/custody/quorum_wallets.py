"""Quorum wallets on the devnet, run by BDK: watched without keys, signed device by device."""

import base64

import pytest
import wallycore

pytest.importorskip("bdkpython", reason="the office profile brings BDK")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

import bdkpython as bdk

from khazana.bitcoin.transaction import Transaction
from khazana.devnet.network import Devnet
from khazana.units import Txid
from tests.custody.signing import expression, master

GAP, PARALLEL = 20, 4
NUMS = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"


def private(name: str) -> str:
    """The same key as `signing.expression`, as only the device itself knows it."""
    key = wallycore.bip32_key_from_parent_path_str(master(name), "m/48h/1h/0h", 0, 0)
    public = wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PUBLIC)
    secret = wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PRIVATE)
    return expression(name).replace(public, secret)


def _options(**changes):
    return bdk.SignOptions(
        **{
            "trust_witness_utxo": True,
            "assume_height": None,
            "allow_all_sighashes": False,
            "try_finalize": False,
            "sign_with_tap_internal_key": True,
            "allow_grinding": True,
        }
        | changes
    )


class QuorumWallet:
    """A wallet that an office watches, and its devices, each with one key."""

    def __init__(self, url: str, outline: str, *names: str) -> None:
        self.names = names
        self.text = outline.format(*map(expression, names))
        self.client = bdk.EsploraClient(url)
        self.watched = bdk.Wallet.create_from_two_path_descriptor(
            bdk.Descriptor(self.text, bdk.NetworkKind.TEST),
            bdk.Network.REGTEST,
            bdk.Persister.new_in_memory(),
        )

    def receive(self) -> bytes:
        """The next address's script."""
        address = self.watched.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
        return bytes(address.script_pubkey().to_bytes())

    def sync(self) -> int:
        """What it holds, in satoshis, after asking the chain."""
        request = self.watched.start_full_scan().build()
        self.watched.apply_update(self.client.full_scan(request, GAP, PARALLEL))
        return self.watched.balance().total.to_sat()

    def spend(
        self,
        outputs: list[tuple[bytes, int]],
        *signers: str,
        drain_to: bytes | None = None,
        path: list[int] | None = None,
    ) -> Transaction:
        """A payment signed by these devices. path: which way of the policy, by its place."""
        builder = bdk.TxBuilder().fee_rate(bdk.FeeRate.from_sat_per_vb(2))
        for script, amount in outputs:
            builder = builder.add_recipient(bdk.Script(script), bdk.Amount.from_sat(amount))
        if drain_to is not None:
            builder = builder.drain_wallet().drain_to(bdk.Script(drain_to))
        if path is not None:
            for kind in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL):
                policy = self.watched.policies(kind)
                builder = builder.policy_path({policy.id(): path}, kind)
        psbt = builder.finish(self.watched)
        parts = [self.signed(name, psbt.serialize()) for name in signers]
        for part in parts:
            psbt = psbt.combine(bdk.Psbt(part))
        final = psbt.finalize()
        if not final.could_finalize:
            raise ValueError(f"the signatures of {', '.join(signers)} do not suffice")
        return Transaction.parse(bytes(final.psbt.extract_tx().serialize()))

    def signed(self, name: str, psbt: str, *, finish: bool = False) -> str:
        """A PSBT in base64 after one device had it."""
        public = expression(name)
        descriptors = [
            bdk.Descriptor(
                self.text.replace(public, private(name)).replace("<0;1>", branch),
                bdk.NetworkKind.TEST,
            )
            for branch in "01"
        ]
        device = bdk.Wallet(*descriptors, bdk.Network.REGTEST, bdk.Persister.new_in_memory())
        for kind in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL):
            device.reveal_addresses_to(kind, GAP)
        part = bdk.Psbt(psbt)
        device.sign(part, _options(try_finalize=finish))
        return part.serialize()

    def proof(self, name: str, psbt: bytes, *, finish: bool = False) -> bytes:
        """The same for a file of a campaign."""
        text = base64.b64encode(psbt).decode()
        return base64.b64decode(self.signed(name, text, finish=finish))


def submitted(devnet: Devnet, transaction: Transaction, *, time: int) -> Txid:
    """Broadcast and put into a block."""
    txid = devnet.submit_transaction(transaction)
    devnet.mine(time=time)
    return txid
