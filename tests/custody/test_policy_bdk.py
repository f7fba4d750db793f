"""BDK's own policy tree says the same as ours."""

import json

import pytest

from khazana.custody.policy import Lock, SignedBy, Some, policy_of
from tests.custody.quorums import RECOVERY, TAPROOT, TWO_OF_THREE, A, B, C, D, parsed

bdk = pytest.importorskip("bdkpython", reason="the office profile brings BDK")


def bdk_policy(text):
    wallet = bdk.Wallet.create_from_two_path_descriptor(
        bdk.Descriptor(text, bdk.NetworkKind.TEST),
        bdk.Network.REGTEST,
        bdk.Persister.new_in_memory(),
    )
    return json.loads(wallet.policies(bdk.KeychainKind.EXTERNAL).as_string())


def of_bdk(node):
    """BDK's JSON as nested tuples: keys by fingerprint, locks by number."""
    kind = node["type"]
    if kind == "THRESH":
        return _some(node["threshold"], [of_bdk(item) for item in node["items"]])
    if kind == "MULTISIG":
        return _some(node["threshold"], [("key", key["fingerprint"]) for key in node["keys"]])
    if kind in ("ECDSASIGNATURE", "SCHNORRSIGNATURE"):
        return ("key", node.get("fingerprint"))
    if kind in ("RELATIVETIMELOCK", "ABSOLUTETIMELOCK"):
        value = node["value"]
        return ("lock", value if isinstance(value, int) else value["Blocks"])
    raise AssertionError(node)


def ours(policy):
    match policy:
        case SignedBy(key):
            return ("key", key.fingerprint)
        case Lock(_, value):
            return ("lock", value)
        case Some(required, parts):
            return _some(required, [ours(part) for part in parts])
    raise AssertionError(policy)


def _some(required, parts):
    """Without brackets that change nothing: one part of one, an "all" or "one" inside another."""
    flat = []
    for part in parts:
        same = part[0] == "some" and part[1] == (len(part[2]) if required == len(parts) else 1)
        if same and required in (1, len(parts)):
            flat += part[2]
        else:
            flat.append(part)
    required = len(flat) if required == len(parts) else required
    return flat[0] if len(flat) == 1 else ("some", required, tuple(flat))


@pytest.mark.parametrize(
    "text",
    [
        TWO_OF_THREE,
        RECOVERY,
        f"wpkh({A})",
        f"sh(wsh(sortedmulti(2,{A},{B},{C})))",
        f"wsh(thresh(2,pk({A}),s:pk({B}),sln:older(52560)))",
        f"wsh(andor(pk({A}),older(144),pk({B})))",
        f"wsh(and_v(v:pk({A}),after(900000)))",
        f"tr({D},multi_a(2,{A},{B},{C}))",
    ],
)
def test_bdk_reads_the_same_policy(text):
    descriptor = parsed(text)
    assert of_bdk(bdk_policy(descriptor.text)) == ours(policy_of(descriptor))


def test_bdk_agrees_on_a_taproot_wallet_but_for_the_key_that_nobody_has():
    theirs = of_bdk(bdk_policy(parsed(TAPROOT).text))
    assert theirs[:2] == ("some", 1)
    assert theirs[2][1:] == ours(policy_of(parsed(TAPROOT)))[2]
