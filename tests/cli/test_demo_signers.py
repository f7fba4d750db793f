"""The demo's signers: what they sign for is what their public descriptors say."""

import pytest

from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.descriptor_wally import WallyEngine
from khazana.bitcoin.network import REGTEST
from khazana.cli.demo.quorums import ThreeOfFiveWithRecovery
from khazana.cli.demo.signers import CHANGE, RECEIVE, Place, Signer, SingleKey, Taproot, TwoOfThree

KINDS = (SingleKey, TwoOfThree, Taproot, ThreeOfFiveWithRecovery)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", [WallyEngine(), best_engine()])
def test_a_descriptor_gives_the_scripts_that_its_signer_spends(kind: type[Signer], engine):
    signer = kind("somebody")
    for branch in (RECEIVE, CHANGE):
        descriptor = parse_descriptor(signer.descriptor, REGTEST, checksum_required=True)
        derived = engine.derive(descriptor, branch=branch, start=0, stop=3)
        assert list(derived) == [signer.script(Place(branch, index)) for index in range(3)]


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_are_public(kind: type[Signer]):
    assert "prv" not in kind("somebody").descriptor


@pytest.mark.parametrize("kind", KINDS)
def test_labels_have_keys_of_their_own(kind: type[Signer]):
    place = Place(RECEIVE, 0)
    assert kind("one").script(place) == kind("one").script(place)
    assert kind("one").script(place) != kind("two").script(place)


def test_a_rotated_quorum_keeps_two_devices_and_has_other_scripts():
    old, new = TwoOfThree("vault"), TwoOfThree("vault", devices=(0, 1, 3))
    shared = {a.expression for a in old.accounts} & {a.expression for a in new.accounts}
    assert len(shared) == 2
    assert old.script(Place(RECEIVE, 0)) != new.script(Place(RECEIVE, 0))
