"""Sealed wallets: promised by a hash, opened later, and nothing else than what was promised."""

from dataclasses import replace

import pytest

from khazana.ledger.accounts import Seal
from khazana.ledger.seals import seal_commitment
from tests.reserve.simulator import BTC, World, rerooted, script

SALT = bytes(range(16))


def world() -> World:
    told = World()
    sealed_at = told.mine(3)
    declared = told.mine(3)
    told.wallet("reserve", entity="treasury", declared=declared)
    wallet = told.wallets[0]
    seal = Seal(seal_commitment(wallet.scripts, SALT), sealed_at, SALT.hex())
    told.wallets[0] = replace(wallet, seal=seal)
    told.perimeter("all", "reserve")
    told.fund(script("reserve"), BTC)
    told.mine()
    return told


def checked(told: World, change=lambda parts: None):
    start, until = told.chain.block_at(0), told.chain.tip()
    told.mine(6)
    return told.check(told.signed(rerooted(told.made(start, until).statement, change)))


def test_an_opened_seal_holds_and_the_wallet_counts_from_its_declaration():
    report = checked(world())
    assert report.failed == ()


def other_salt(parts):
    parts["wallet/reserve"]["seal"]["salt"] = "ff" * 16


def other_commitment(parts):
    parts["wallet/reserve"]["seal"]["commitment"] = "ff" * 32


def no_salt(parts):
    parts["wallet/reserve"]["seal"]["salt"] = None


def sealed_after_the_declaration(parts):
    seal = parts["wallet/reserve"]["seal"]
    seal["block"] = parts["header"]["period"]["until"]


@pytest.mark.parametrize(
    "change", [other_salt, other_commitment, no_salt, sealed_after_the_declaration]
)
def test_a_seal_that_does_not_open_to_the_scripts_fails_the_scripts(change):
    assert checked(world(), change).failed == ("scripts",)
