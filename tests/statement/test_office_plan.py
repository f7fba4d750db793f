"""From an office's description to the next version of its identity."""

from dataclasses import replace

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.ledger.office import KeyRole, OfficeFile, PublicKey
from khazana.ledger.shipped import shipped_office
from khazana.statement.errors import OfficeRefused
from khazana.statement.identity import new_office, succeeded
from khazana.statement.keys import public_bytes
from khazana.statement.office_plan import next_version
from tests.statement.drill import BEGIN, END, ROOT_KEYS, SIGNED_AT, STATEMENT_KEYS, id_of

KEYS = {"root-0": ROOT_KEYS[0], "root-1": ROOT_KEYS[1], "pen-0": STATEMENT_KEYS[0]}


def description(*names: str, threshold: int = 1) -> OfficeFile:
    """A description with these keys: roots are called root-…, the others may sign statements."""
    roots = tuple(name for name in names if name.startswith("root"))
    pens = tuple(name for name in names if not name.startswith("root"))
    return replace(
        shipped_office("el_salvador_claimed"),
        id="drill-office",
        name={"en": "Drill Office"},
        network=REGTEST,
        test=False,
        keys=tuple(PublicKey(name, public_bytes(KEYS[name]).hex()) for name in names),
        roles=(KeyRole("root", threshold, roots), KeyRole("statement", 1, pens)),
    )


def test_the_first_version_has_the_keys_described_and_says_that_the_network_is_a_test():
    version = next_version(description(*KEYS), None, valid_from=BEGIN, valid_until=END)
    assert (version.version, version.previous, version.test) == (1, None, True)
    assert version.role_keys("statement").keys() == {id_of(STATEMENT_KEYS[0])}
    assert new_office(version, [ROOT_KEYS[0]]).id == "drill-office"


def test_the_next_version_continues_the_office_and_keeps_what_was_revoked():
    first = next_version(
        description("root-0", "root-1", "pen-0"), None, valid_from=BEGIN, valid_until=END
    )
    lost = frozenset({id_of(STATEMENT_KEYS[1])})
    office = new_office(replace(first, revoked=lost), [ROOT_KEYS[0]])
    second = next_version(
        description("root-0", "pen-0"), office, valid_from=SIGNED_AT, valid_until=END
    )
    grown = succeeded(office, second, [ROOT_KEYS[0]])
    assert grown.newest.version == 2
    assert grown.revoked == lost
    assert id_of(ROOT_KEYS[1]) not in grown.newest.keys


def test_a_description_that_gives_no_identity_is_refused():
    for wrong in (
        description("root-0", "pen-0", threshold=2),
        replace(description(*KEYS), roles=()),
    ):
        with pytest.raises(OfficeRefused, match="at version 1"):
            next_version(wrong, None, valid_from=BEGIN, valid_until=END)
