import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor import (
    MAX_LENGTH,
    DescriptorNotDerivable,
    DescriptorRangeRefused,
    DescriptorRefused,
    SecretInDescriptor,
    parse_descriptor,
)
from khazana.bitcoin.descriptor_checksum import CHARACTERS, descriptor_checksum
from khazana.bitcoin.descriptor_keys import HARDENED
from khazana.bitcoin.network import MAINNET, REGTEST, SIGNET
from tests.bitcoin.descriptor_keys_for_tests import XA, A, B, C, account

PLAIN = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
UNCOMPRESSED = (
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


def refusal(text: str, network=REGTEST) -> str:
    with pytest.raises(DescriptorRefused) as refused:
        parse_descriptor(text, network)
    return str(refused.value)


# What a descriptor says of itself


def test_keys_are_read_with_their_origin_and_path():
    descriptor = parse_descriptor(f"wsh(sortedmulti(2,{A}/7/<0;1>/*,{B}/8/<2;3>/*))", REGTEST)
    first, second = descriptor.keys
    anna = account("anna")
    assert first.fingerprint == anna.fingerprint
    assert first.origin_path == (HARDENED + 48, HARDENED + 1, HARDENED)
    assert first.key == anna.xpub
    assert first.steps == ((7,), (0, 1))
    assert second.path_of(1) == (8, 3)
    assert first.wildcard
    assert descriptor.body[first.place - 1 :].startswith(A)
    assert descriptor.branches == 2
    assert descriptor.ranged
    assert descriptor.functions == ("wsh", "sortedmulti")


def test_hardened_steps_of_an_origin_are_written_with_h_or_apostrophe():
    with_h = parse_descriptor(f"wpkh({A}/0/*)", REGTEST)
    other = A.replace("h/", "'/").replace("h]", "']")
    with_apostrophe = parse_descriptor(f"wpkh({other}/0/*)", REGTEST)
    assert with_h.keys[0].origin_path == with_apostrophe.keys[0].origin_path


def test_a_key_without_origin_says_so():
    key = parse_descriptor(f"pkh({PLAIN})", REGTEST).keys[0]
    assert (key.fingerprint, key.origin_path, key.extended) == (None, (), False)


def test_a_plain_key_has_one_branch_and_no_range():
    descriptor = parse_descriptor(f"wpkh({PLAIN})", MAINNET)
    assert (descriptor.branches, descriptor.ranged) == (1, False)


# Checksums


@pytest.mark.parametrize("required", [True, False])
def test_the_checksum_of_bip_380_is_accepted_and_added(required):
    with_checksum = parse_descriptor("raw(deadbeef)#89f8spxm", MAINNET, checksum_required=required)
    assert with_checksum.text == "raw(deadbeef)#89f8spxm"
    assert with_checksum.fixed == bytes.fromhex("deadbeef")
    assert parse_descriptor("raw(deadbeef)", MAINNET).text == with_checksum.text


def test_a_missing_checksum_is_refused_where_one_is_required():
    with pytest.raises(DescriptorRefused, match=r"character 14: its checksum"):
        parse_descriptor("raw(deadbeef)", MAINNET, checksum_required=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raw(deadbeef)#", "8 characters after the #"),
        ("raw(deadbeef)#89f8spxmx", "8 characters after the #"),
        ("raw(deadbeef)#89f8spx", "8 characters after the #"),
        ("raw(deedbeef)#89f8spxm", "checksum does not fit"),
        ("raw(deedbeef)##9f8spxm", "checksum does not fit"),
        ("raw(\u00dc)#00000000", "character 5: this character or blank"),
        ("", "it is empty"),
        ("#89f8spxm", "it is empty"),
    ],
)
def test_a_wrong_checksum_is_refused(text, said):
    assert said in refusal(text)


@given(st.data())
def test_one_changed_character_never_passes_the_checksum(data):
    body = f"wpkh({A}/<0;1>/*)"
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.sampled_from(CHARACTERS.replace(body[place], "")))
    changed = body[:place] + other + body[place + 1 :]
    assert descriptor_checksum(changed) != descriptor_checksum(body)


# Scripts without keys


def test_raw_and_addr_stand_for_exactly_one_script():
    script = bytes.fromhex("6a0548656c6c6f")
    assert parse_descriptor(f"raw({script.hex()})", REGTEST).fixed == script
    paid = bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")
    assert parse_descriptor(f"addr({address_of(paid, REGTEST)})", REGTEST).fixed == paid


def test_an_address_of_another_network_is_refused():
    address = address_of(bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6"), MAINNET)
    assert "character 6: the address: it belongs to mainnet" in refusal(f"addr({address})")


@pytest.mark.parametrize("text", ["raw()", "raw(abc)", "raw(zz)", f"raw({'00' * 10_001})"])
def test_raw_takes_whole_bytes_of_hex_only(text):
    assert "at character" in refusal(text)


# Refusals, each with its place and reason


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (f"combo({A}/0/*)", 1, "up to four scripts"),
        (f"tr(musig({A},{B})/0/*)", 4, "musig() is not supported"),
        (f"wpkhh({A}/0/*)", 1, "no function wpkhh() exists"),
        (f"sh(sh(pkh({A}/0/*)))", 4, "sh() is not allowed in sh()"),
        (f"sh(tr({A}/0/*))", 4, "tr() is not allowed in sh()"),
        (f"wsh(wpkh({A}/0/*))", 5, "wpkh() is not allowed in wsh()"),
        (f"sh(and_v(v:pk({A}/0/*),older(5)))", 4, "miniscript, which stands in wsh() or tr()"),
        (f"wsh(or_d(sortedmulti(1,{A}/0/*),pk({B}/0/*)))", 10, "stands alone"),
        (f"tr({A}/0/*,multi(1,{B}/0/*))", 6 + len(A) + 3, "multi() is not allowed in a leaf"),
        (f"wpkh({A}/0/*", 6 + len(A) + 4, "a ) belongs here"),
        (f"wpkh({A}/0/*))", 6 + len(A) + 5, "nothing may follow"),
        ("wpkh()", 6, "a public key is missing"),
        ("wpkh([deadbeef])", 16, "a public key is missing"),
        (f"wpkh([deadbef/0]{PLAIN})", 6, "8 hex digits"),
        (f"wpkh([deadbeef/0/]{PLAIN})", 6, "key origin is written"),
        (f"wpkh([deadbeef/0H]{PLAIN})", 6, "key origin is written"),
        (f"wpkh([deadbeef/*]{PLAIN})", 6, "key origin is written"),
        (f"wpkh({PLAIN}/0)", 6, "no steps can follow a plain public key"),
        (f"wpkh({PLAIN[2:]})", 6, "32 bytes stand in tr() only"),
        (f"wpkh({UNCOMPRESSED})", 6, "no uncompressed keys"),
        (f"wsh(pk({UNCOMPRESSED}))", 8, "no uncompressed keys"),
        (f"tr({UNCOMPRESSED})", 4, "no uncompressed keys"),
        (f"wpkh(02{'ff' * 32})", 6, "no such point exists"),
        (f"wpkh({PLAIN[:-4]})", 6, "a public key of 31 bytes"),
        (f"wpkh({A}/0/*h)", 6 + len(A) + 3, "hardened running index"),
        (f"wpkh({A}/0/*')", 6 + len(A) + 3, "hardened running index"),
        (f"wpkh({A}/*/0)", 6 + len(A) + 1, "only the last step"),
        (f"wpkh({A}/*0)", 6 + len(A) + 1, "nothing may follow the running index"),
        (f"wpkh({A}/1h/*)", 6 + len(A) + 1, "write the step into the key origin"),
        (f"wpkh({A}/2147483648/*)", 6 + len(A) + 1, "below 2147483648"),
        (f"wpkh({A}/99999999999/*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}/-1/*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}//*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}/<0>/*)", 6 + len(A) + 1, "at least two branches"),
        (f"wpkh({A}/<>/*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}/<0;>/*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}/<0/*)", 6 + len(A) + 1, "not closed"),
        (f"wpkh({A}/0>/*)", 6 + len(A) + 1, "a step of a path is a number"),
        (f"wpkh({A}/<0;0>/*)", 6 + len(A) + 1, "names a branch twice"),
        (f"wpkh({A}/<0;1h>/*)", 6 + len(A) + 1, "a hardened step"),
        (f"wsh(multi(3,{A}/*,{B}/*))", 5, "3 of 2 cannot be required"),
        (f"wsh(multi(0,{A}/*,{B}/*))", 5, "0 of 2 cannot be required"),
        (f"wsh(multi(a,{A}/*,{B}/*))", 11, "whole number"),
        (f"wsh(multi(02,{A}/*,{B}/*))", 11, "whole number"),
        (f"multi(1,{A}/0/*,{B}/0/*,{C}/0/*,{A}/1/*)", 1, "takes 3 keys"),
        (f"wsh(and_v(v:pk({A}/*),older(0)))", 20 + len(A), "older() takes 1 to 2147483647"),
        (f"wsh(and_v(v:pk({A}/*),after(2147483648)))", 20 + len(A), "after() takes 1 to"),
        (f"wsh(and_v(v:pk({A}/*),sha256(aa)))", 27 + len(A), "64 hex digits"),
        (f"wsh(and_v(q:pk({A}/*),older(5)))", 11, "no miniscript wrapper 'q'"),
        (f"wpkh({A}/0/* )", 6 + len(A) + 4, "blank"),
        ("wpkh", 1, "a function such as wpkh( or wsh( belongs here"),
        ("wpkh(" * 200, 6, "not a function"),
        ("tr(" + PLAIN + "," + "{" * 200, 4 + 66 + 1 + 101, "nested more than 100 deep"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "more than 20000 characters"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_and_the_reason(text, place, said):
    with pytest.raises(DescriptorRefused) as refused:
        parse_descriptor(text, REGTEST)
    assert said in refused.value.problem
    assert refused.value.place == place


def test_a_key_of_the_other_kind_of_network_is_refused():
    assert "the key belongs to mainnet, the office is on regtest" in refusal(f"wpkh({XA}/0/*)")
    assert "belongs to a test network" in refusal(f"wpkh({A}/0/*)", MAINNET)
    assert parse_descriptor(f"wpkh({A}/0/*)", SIGNET).ranged


def test_a_key_with_a_typing_mistake_is_refused():
    damaged = A[:-1] + ("a" if A[-1] != "a" else "b")
    assert "the extended public key is damaged" in refusal(f"wpkh({damaged}/0/*)")


def test_a_key_in_slip_132_form_is_explained():
    assert "Export the key as xpub" in refusal(f"wpkh(vpub{'a' * 107}/0/*)")


@pytest.mark.parametrize(
    "text",
    [
        f"wsh(multi(2,{A}/0/*,{A}/0/*))",
        f"wsh(sortedmulti(1,{A}/0/*,{B}/0/*,{A[A.index(']') + 1 :]}/0/*))",
        f"wsh(multi(1,{A}/<0;1>/*,{A}/0/*))",
        f"wsh(multi(1,{A}/<0;1>/*,{A}/1/*))",
        f"wsh(or_d(pk({A}/*),and_v(v:pkh({A}/*),older(5))))",
        f"tr({B}/*,multi_a(1,{A}/*,{A}/*))",
        f"sh(multi(1,{PLAIN},{UNCOMPRESSED}))",
    ],
)
def test_a_key_may_not_stand_twice_in_one_script_however_it_is_written(text):
    assert "this is the same key as at character" in refusal(text)


def test_a_key_may_return_in_another_leaf_or_on_another_branch():
    parse_descriptor(f"tr({A}/*,{{pk({A}/*),pk({A}/*)}})", REGTEST)
    parse_descriptor(f"wsh(multi(2,{A}/<0;1>/*,{A}/<2;3>/*))", REGTEST)
    parse_descriptor(f"wsh(multi(2,{A}/<0;1>/*,{A}/<1;0>/*))", REGTEST)


def test_branches_of_different_number_are_refused():
    said = refusal(f"wsh(multi(1,{A}/<0;1>/*,{B}/<0;1;2>/*))")
    assert "this key has 3 branches, an earlier one 2" in said


# Secrets


def secrets_of(holder) -> list[str]:
    return [holder.private.split("]")[1], holder.wif]


HOLDERS = [account("anna"), account("anna", mainnet=True)]
SECRETS = [secret for holder in HOLDERS for secret in secrets_of(holder)]
SLIP_132 = [secret.replace(secret[:4], "zprv", 1) for secret in SECRETS if "prv" in secret]
FORMS = [
    "wpkh({})", "wpkh({}/0/*)", "wpkh([deadbeef/0h]{}/<0;1>/*)", "wsh(multi(1,{},{}))", "tr({})",
    "{}", "{}/0/*", "[deadbeef]{}", "aaaaaaaa]{}", "raw({})", "addr({})", "wpkh({}", "wpkh({}))",
    "foo({})", "{}(x)", "x:{}", "wpkh({})#aaaaaaaa", "wpkh({})#", "wpkh(x)#{}", "wpkh( {} )",
    "wpkh({}\u00e9)", "wsh(older({}))", "wsh(sha256({}))", "wpkh(x{}/0/*)", "wpkh(0{})",
    "wpkh(/{})", "wpkh({}x)", "tr(x,{{{}}})", "wsh({}:pk(x))", "wpkh({0}{0})", "wpkh([{}]x)",
    "wpkh(x/{}/*)", "wpkh({}\n)", "wpkh(<{};1>)",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS + SLIP_132)
def test_a_private_key_is_refused_and_never_repeated(form, secret):
    text = form.replace("{{", "\x01").replace("}}", "\x02")
    text = text.replace("{0}", secret).replace("{}", secret)
    text = text.replace("\x01", "{").replace("\x02", "}")
    with pytest.raises((SecretInDescriptor, DescriptorRefused)) as refused:
        parse_descriptor(text, REGTEST)
    error: BaseException | None = refused.value
    while error is not None:
        shown = f"{error} {error!r} {error.args!r} {vars(error)!r}"
        assert not any(secret[at : at + 6] in shown for at in range(len(secret) - 6))
        error = None if error.__suppress_context__ else error.__context__


@pytest.mark.parametrize("secret", SECRETS + SLIP_132)
@pytest.mark.parametrize("form", ["wpkh({})", "wsh(multi(1,{}/0/*,x))", "{}", "[deadbeef/1h]{}/*"])
def test_a_private_key_where_a_key_belongs_is_called_by_its_name(form, secret):
    with pytest.raises(SecretInDescriptor, match="move the coins to a new key") as refused:
        parse_descriptor(form.format(secret), REGTEST)
    assert form.format(secret)[refused.value.place - 1 :].startswith(secret)


def test_a_mistyped_private_key_is_still_a_secret():
    secret = SECRETS[0]
    for damaged in (secret[:-1], secret[:40], secret[:60] + "0" + secret[61:], secret + "Q"):
        with pytest.raises(SecretInDescriptor):
            parse_descriptor(f"wpkh({damaged}/0/*)", REGTEST)


def test_a_public_key_in_hex_that_looks_like_wallet_import_format_is_no_secret():
    parse_descriptor("raw(" + "5c" * 26 + ")", REGTEST)


# Whatever else comes in


def outcome(text: str) -> str:
    """ "read", or what the refusal says; every other exception passes through."""
    try:
        parse_descriptor(text, REGTEST)
    except (DescriptorRefused, SecretInDescriptor) as refused:
        return str(refused)
    return "read"


@given(st.text(alphabet=st.sampled_from("wpkhstr()(),,{}/<>;*#[]0123:vandormulti_" + A[:30])))
def test_any_text_is_read_or_refused_but_never_crashes(text):
    assert re.search(r"^read$|at character [0-9]+", outcome(text))


@given(st.data())
def test_a_damaged_descriptor_is_read_or_refused_but_never_crashes(data):
    text = f"wsh(or_d(multi(2,{A}/<0;1>/*,{B}/<0;1>/*),and_v(v:pkh({C}/<0;1>/*),older(52560))))"
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 4))
    new = data.draw(st.text(alphabet=st.sampled_from("wpkhv:()<>;,/*0123'"), max_size=4))
    assert re.search(r"^read$|at character [0-9]+", outcome(text[:at] + new + text[at + cut :]))


def test_errors_have_codes_of_their_own():
    kinds = (DescriptorRefused, SecretInDescriptor, DescriptorRangeRefused, DescriptorNotDerivable)
    assert len({kind.code for kind in kinds}) == 4
