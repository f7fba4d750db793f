"""Quorums for the custody tests: descriptors of named people's keys, and a register of them."""

from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.network import MAINNET, REGTEST
from tests.bitcoin.descriptor_keys_for_tests import account

PEOPLE = ("anna", "bo", "cia", "dara", "esa")
NUMS = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"


def key(name: str, *, mainnet: bool = False) -> str:
    return account(name, mainnet=mainnet).public + "/<0;1>/*"


NAMES = {account(name).xpub: name.title() for name in PEOPLE}
A, B, C, D, E = map(key, PEOPLE)
TWO_OF_THREE = f"wsh(sortedmulti(2,{A},{B},{C}))"
RECOVERY = f"wsh(or_d(multi(2,{A},{B},{C}),and_v(v:pk({D}),older(52560))))"
TAPROOT = f"tr({NUMS},{{multi_a(2,{A},{B},{C}),and_v(v:pk({D}),older(52560))}})"


def parsed(text: str, *, mainnet: bool = False) -> Descriptor:
    return parse_descriptor(text, MAINNET if mainnet else REGTEST)


_VENDORS = {
    "anna": ("coldcard", "Mk4", "5.6.0"),
    "bo": ("trezor", "Safe 5", "2.8.9"),
    "cia": ("bitbox", "BitBox02", "9.21.0"),
    "dara": ("ledger", "Flex", "1.3.0"),
}


def register_text(**changes: dict[str, str]) -> str:
    """A register of Anna, Bo, Cia and Dara without any finding on 2026-06-01.

    changes: fields by person, each as TOML; an empty text leaves the field out.
    """
    lines = ['format = "khazana.keys/1"', "[register]", 'id = "treasury"', 'network = "regtest"']
    for name, (vendor, model, firmware) in _VENDORS.items():
        held = account(name)
        fields = {
            "id": f'"{name}"',
            "holder": f'"{name.title()}"',
            "agency": f'"Office of {name.title()}"',
            "vendor": f'"{vendor}"',
            "model": f'"{model}"',
            "firmware_at_creation": f'"{firmware}"',
            "firmware": f'"{firmware}"',
            "seed": '"device"',
            "created": "2026-01-10",
            "last_proven": "2026-05-20",
            "site": f'"Site of {name.title()}"',
            "fingerprint": f'"{held.fingerprint}"',
            "accounts": f'["{held.public}"]',
        } | changes.get(name, {})
        lines += ["[[key]]", *(f"{field} = {value}" for field, value in fields.items() if value)]
    return "\n".join(lines) + "\n"
