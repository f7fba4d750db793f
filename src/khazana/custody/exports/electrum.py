"""Electrum's wallet file: watches a wallet, carries a campaign's PSBTs, shows what they ask for."""

import json

from khazana.bitcoin.base_encodings import base58check_decode, base58check_encode
from khazana.bitcoin.descriptor import Descriptor
from khazana.custody.exports.quorum import path_text, plain_quorum

PROGRAM = "Electrum"
SEED_VERSION = 26
"""Of the file's form: from 21 on it keeps where keys come from. Newer Electrums convert it."""

# SLIP-132: Electrum reads the kind of script from the version bytes of the extended key.
_VERSIONS = {
    ("pkh",): ("0488b21e", "043587cf"),
    ("sh",): ("0488b21e", "043587cf"),
    ("wpkh",): ("04b24746", "045f1cf6"),
    ("sh", "wpkh"): ("049d7cb2", "044a5262"),
    ("wsh",): ("02aa7ed3", "02575483"),
    ("sh", "wsh"): ("0295b43f", "024289ef"),
}


def electrum_wallet(descriptor: Descriptor) -> str:
    """The file as JSON. NotExportable for what Electrum does not know, such as time locks."""
    quorum = plain_quorum(descriptor, program=PROGRAM)
    version = bytes.fromhex(_VERSIONS[quorum.script][descriptor.network.test])
    keystores = [
        {
            "type": "bip32",
            "xpub": base58check_encode(version + base58check_decode(key.key)[4:]),
            "xprv": None,
            "derivation": path_text(key),
            "root_fingerprint": key.fingerprint,
            "pw_hash_version": 1,
        }
        for key in quorum.keys
    ]
    wallet: dict[str, object] = {"seed_version": SEED_VERSION, "use_encryption": False}
    if quorum.single:
        wallet |= {"wallet_type": "standard", "keystore": keystores[0]}
    else:
        wallet["wallet_type"] = f"{quorum.required}of{len(keystores)}"
        wallet |= {f"x{number}/": store for number, store in enumerate(keystores, 1)}
    return json.dumps(wallet, indent=1) + "\n"
