from collections.abc import Callable
from dataclasses import dataclass

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor_wally import WallyEngine
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Lane
from khazana.ledger.office import Office
from khazana.ledger.problems import OfficeFileRefused
from khazana.ledger.resolve import listed_scripts, resolve, scripts_by
from khazana.ledger.seals import seal_commitment
from khazana.ledger.shipped import shipped_office
from tests.ledger.paper_chain import block_ref
from tests.ledger.test_office_file import GOOD, read
from tests.shared import shared_file


@dataclass(eq=False, kw_only=True)
class NoSuchBlock(KhazanaError):
    name: str
    code = "no_such_block"
    words = "the chain has no block {name}"


DAYS = {"2026-01-10": 200, "2026-03-31": 400}


def block_of(name: str) -> BlockRef:
    """A chain of 1,000 blocks with two days."""
    height = DAYS.get(name) if "-" in name else int(name)
    if height is None or height > 1000:
        raise NoSuchBlock(name=name)
    return block_ref(height)


def resolved(*changes: tuple[str, str], block_of: Callable[[str], BlockRef] = block_of) -> Office:
    text = GOOD["office.toml"]
    for there, instead in changes:
        assert there in text
        text = text.replace(there, instead, 1)
    office = read(GOOD | {"office.toml": text})
    return resolve(office, block_of, scripts_by(WallyEngine(), office.network))


def test_the_documented_example_becomes_an_office():
    office = resolved()
    cold, mining, clients = office.wallets
    assert len(set(cold.scripts)) == 80
    # wsh(sortedmulti(...)) at branch 1, index 5, as wallycore gives it for the whole expression.
    assert cold.scripts[45].hex() == (
        "002072e666ca9a43bd9db2b8a28b47deb470f0442bad9a47072f6c3c6bb65e6cdaae"
    )
    assert (cold.declared, cold.birth) == (block_ref(200), 100)
    assert [mining.lane_at(height) for height in (319, 320)] == [Lane.SEIZED, Lane.FORFEITED]
    assert mining.seal is not None
    assert mining.seal.commitment == seal_commitment(mining.scripts, bytes(range(16)))
    assert len(clients.scripts) == 2
    assert office.attestations[0].as_of == block_ref(400)
    assert office.attestations[0].grade.value == "C"
    assert office.attestations[0].balance.amount == 100_000_000
    assert office.book_entries[0].block == block_ref(340)
    members = {m.account: (m.since, m.until) for m in office.perimeters[0].members}
    assert members["clients"] == (block_ref(305), block_ref(900))
    assert office.sealed[0].block == block_ref(310)


@pytest.mark.parametrize(
    ("there", "instead", "field", "words"),
    [
        ('declared = "2026-01-10"', 'declared = "2026-01-11"', "wallet[1].declared", "no block"),
        ("since = 320", "since = 1001", "wallet[2].lane[2].since", "no block 1001"),
        ("until = 900", "until = 305", "perimeter[1].member[2].until", "ends before"),
        ("until = 900", "until = 5000", "perimeter[1].member[2].until", "no block 5000"),
        ("block = 250", "block = 301", "wallet[2].sealed.block", "a seal comes first"),
        ('salt = "0001', 'salt = "ff01', "wallet[2].sealed.block", "does not open"),
        (
            "since = 320",
            'since = 320\n[[wallet.lane]]\nlane = "owned"\nsince = 320',
            "wallet[2].lane[3].since",
            "follow one another",
        ),
        (
            'wallet = "clients"',
            'entity = "wallet-company"\n[[perimeter.member]]\nwallet = "clients"',
            "perimeter[1].member[3]",
            "twice at the same time",
        ),
        (
            "raw(0014f34fe0036f52d5901348f6e3c138ae51abc2761c)",
            "raw(002072e666ca9a43bd9db2b8a28b47deb470f0442bad9a47072f6c3c6bb65e6cdaae)",
            "wallet[3]",
            "cold declares already",
        ),
    ],
)
def test_what_only_the_chain_shows_is_named_in_the_file(there, instead, field, words):
    with pytest.raises(OfficeFileRefused) as caught:
        resolved((there, instead))
    found = {problem.place.field: problem for problem in caught.value.problems}
    assert words in found[field].text
    assert found[field].place.file == "office.toml"


def test_every_place_that_names_a_missing_block_is_listed():
    def nothing(name: str) -> BlockRef:
        raise NoSuchBlock(name=name)

    with pytest.raises(OfficeFileRefused) as caught:
        resolved(block_of=nothing)
    assert {(p.place.file, p.place.field) for p in caught.value.problems} == {
        ("office.toml", "wallet[1].declared"),
        ("office.toml", "wallet[1].birth"),
        ("office.toml", "wallet[2].declared"),
        ("office.toml", "wallet[2].lane[2].since"),
        ("office.toml", "wallet[2].sealed.block"),
        ("office.toml", "wallet[3].declared"),
        ("office.toml", "sealed[1].block"),
        ("office.toml", "perimeter[1].member[2].since"),
        ("office.toml", "perimeter[1].member[2].until"),
        ("attestations.csv", "as_of"),
        ("book.csv", "block"),
    }


def test_two_balances_for_one_block_are_refused_however_they_name_it():
    table = GOOD["attestations.csv"] + "custodian-1,400,2,another letter,Custodian One,\n"
    office = read(GOOD | {"attestations.csv": table})
    with pytest.raises(OfficeFileRefused, match=r"attestations.csv, line 3, as_of: .* already"):
        resolve(office, block_of, scripts_by(WallyEngine(), office.network))


def test_a_member_may_leave_and_come_back():
    again = '[[perimeter.member]]\nwallet = "clients"\nsince = 900\n\n[[exclusion]]'
    office = resolved(("[[exclusion]]", again))
    assert [m.account for m in office.perimeters[0].members].count("clients") == 2


def test_the_claimed_addresses_give_the_scripts_of_the_public_list():
    office = shipped_office("el_salvador_claimed")
    rows = shared_file("data/sv_reserve_addresses_claimed.csv").read_text().split()[1:]
    scripts = listed_scripts(office.wallets[0].source, office.network)
    assert [script.hex() for script in scripts] == [row.split(",")[1] for row in rows]
    assert resolve(office, block_of, scripts_by(WallyEngine(), office.network)).notice
