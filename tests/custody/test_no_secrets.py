"""No key that can spend ever reaches the software: refused everywhere, not stored, not repeated."""

import itertools
import json
import logging

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_wally import WallyEngine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.secrets import SecretRefused, find_secret
from khazana.cli.main import main
from khazana.custody.imports.read import read_export
from khazana.custody.labels_file import read_labels
from khazana.custody.register_file import read_register
from khazana.errors import KhazanaError
from khazana.ledger.office_file import load_office, read_office
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import RECOVERY, TWO_OF_THREE, A, parsed, register_text
from tests.custody.test_imports import BSMS_XPUBS, COLDCARD, NUNCHUK, SPARROW, SPECTER
from tests.custody.test_labels import VECTORS

ANNA = account("anna")
XPRV = ANNA.private.partition("]")[2]
MAIN = account("anna", mainnet=True)


def phrase(size, language="en"):
    return wallycore.bip39_mnemonic_from_bytes(
        wallycore.bip39_get_wordlist(language), bytes(range(1, size + 1))
    )


WORDS = phrase(32)
SECRETS = {
    "tprv": XPRV,
    "xprv": MAIN.private.partition("]")[2],
    "zprv": "z" + MAIN.private.partition("]")[2][1:],
    "wif": ANNA.wif,
    "main wif": MAIN.wif,
    "old wif": "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",
    "bip38": "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
    "12 words": phrase(16),
    "15 words": phrase(20),
    "18 words": phrase(24),
    "21 words": phrase(28),
    "24 words": WORDS,
    "capitals": WORDS.upper(),
    "commas": WORDS.replace(" ", ", "),
    "lines": WORDS.replace(" ", "\n"),
    "numbered": " ".join(f"{n}. {word}" for n, word in enumerate(WORDS.split(), 1)),
    "four letters": " ".join(word[:4] for word in WORDS.split()),
    "no checksum": "abandon " * 12,
    "codex32": "ms10testsxxxxxxxxxxxxxxxxxxxxxxxxxx4nzvca9cmczlw",
    "descriptor": f"wpkh({ANNA.private}/0/*)",
    "quorum": TWO_OF_THREE.replace(ANNA.public, ANNA.private),
}
OFFICE = f"""\
format = "khazana.office/1"
[office]
id = "example"
name = {{ en = "Example" }}
network = "regtest"
test = true
notice = "NOTICE"
timezone = "UTC"
[[wallet]]
id = "cold"
entity = "office"
name = {{ en = "WALLET" }}
descriptor = "{parsed(TWO_OF_THREE).text}"
"""


def fragments(secret):
    """Pieces of a secret that nothing may repeat: long words, and seed words side by side."""
    words = [word for word in secret.replace(",", " ").split() if word.isalnum()]
    pairs = {f"{a} {b}" for a, b in itertools.pairwise(words)}
    keys = (XPRV, MAIN.private.partition("]")[2], ANNA.wif, MAIN.wif)
    return {word for word in words if len(word) > 40} | pairs | {k for k in keys if k in secret}


def refused(call, secret):
    with pytest.raises(KhazanaError) as error:
        call()
    said = str(error.value) + repr(error.value) + repr(error.value.facts())
    chained = repr(error.value.__cause__)
    for piece in fragments(secret):
        assert piece not in said
        assert piece not in chained
    return error.value


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind_is_recognised(kind):
    found = find_secret(f"first line\nnotes: {SECRETS[kind]}")
    assert found is not None
    assert found.line == 2


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "field", ["holder", "agency", "model", "firmware", "site", "id", "vendor", "accounts", "seed"]
)
def test_the_register_of_keys_refuses_it_in_every_field(kind, field):
    text = json.dumps(SECRETS[kind])
    value = f"[{text}]" if field == "accounts" else text
    raw = register_text(anna={field: value}).encode()
    assert isinstance(refused(lambda: read_register("k", raw), SECRETS[kind]), SecretRefused)


@pytest.mark.parametrize("kind", SECRETS)
def test_the_register_of_keys_refuses_it_in_comments_and_unknown_keys(kind):
    flat = SECRETS[kind].replace("\n", " ")
    for text in (f"{register_text()}# {flat}\n", f"{register_text()}seed_backup = '{flat}'\n"):
        refused(lambda text=text: read_register("k", text.encode()), flat)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("place", ["WALLET", "NOTICE", "example", parsed(TWO_OF_THREE).text])
def test_the_office_file_refuses_it_everywhere(kind, place):
    flat = SECRETS[kind].replace("\n", " ")
    raw = OFFICE.replace(place, flat).encode()
    error = refused(lambda: read_office("office.toml", raw, lambda name: None), flat)
    assert len(error.problems) == 1
    assert "it is not repeated" in str(error)


@pytest.mark.parametrize("kind", SECRETS)
def test_the_offices_tables_refuse_it(kind, tmp_path):
    (tmp_path / "office.toml").write_text(OFFICE + '[files]\ndocuments = ["documents.csv"]\n')
    table = f'id,at,reason,account,amount_sat,note\n1,2026-01-01,x,cold,1,"{SECRETS[kind]}"\n'
    (tmp_path / "documents.csv").write_text(table)
    error = refused(lambda: load_office(tmp_path / "office.toml"), SECRETS[kind])
    assert "documents.csv" in str(error)
    assert "it is not repeated" in str(error)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("field", ["label", "ref", "origin", "type", "note"])
def test_labels_refuse_it_in_every_field(kind, field):
    record = {"type": "tx", "ref": "ab" * 32} | {field: SECRETS[kind]}
    raw = (VECTORS + json.dumps(record)).encode()
    refused(lambda: read_labels("labels", raw, REGTEST), SECRETS[kind])


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "export", [COLDCARD, SPARROW, SPECTER, NUNCHUK, BSMS_XPUBS], ids=lambda text: text[:8]
)
def test_exports_with_it_are_refused(kind, export):
    secret = SECRETS[kind]
    if export is SPECTER:
        values = json.loads(export)
        texts = [
            json.dumps(values | {"label": secret}),
            json.dumps(values | {"devices": [{"label": secret}]}),
            json.dumps(values | {"descriptor": secret}),
            json.dumps(values | {"mnemonic": secret.split()}),
        ]
    else:
        texts = [f"{export}\n{secret}\n", f"# {secret}\n{export}", export.replace("2", secret, 1)]
    for text in texts:
        refused(
            lambda text=text: read_export("export", text.encode(), REGTEST, WallyEngine()), secret
        )


@pytest.mark.parametrize("public", [ANNA.public, ANNA.xpub])
def test_exports_with_a_private_key_in_place_of_a_public_one_are_refused(public):
    secret = ANNA.private if public == ANNA.public else XPRV
    for export in (COLDCARD, SPARROW, SPECTER, NUNCHUK):
        text = export.replace(public, secret)
        if text != export:
            refused(
                lambda text=text: read_export("x", text.encode(), REGTEST, WallyEngine()), secret
            )


@pytest.mark.parametrize(
    "kind", ["tprv", "xprv", "zprv", "wif", "main wif", "descriptor", "quorum"]
)
def test_descriptors_with_it_are_refused(kind):
    refused(lambda: parse_descriptor(SECRETS[kind], REGTEST), SECRETS[kind])


def command_lines(secret, folder):
    """Every command that reads what people fill in, with the secret as argument or in a file."""
    file = folder / "file"
    keys = folder / "keys.toml"
    keys.write_text(register_text())
    network = ["--network", "regtest"]
    yield "argument", ["custody", "describe", "--descriptor", secret, *network]
    yield "argument", ["custody", secret]
    yield "argument", ["custody", "keys", secret]
    yield "argument", ["custody", *secret.split()]
    yield "argument", [*secret.split()]
    yield "argument", ["office", "check", secret]
    yield OFFICE.replace("WALLET", secret.replace("\n", " ")), ["office", "check", str(file)]
    yield OFFICE.replace("WALLET", secret.replace("\n", " ")), [
        "custody", "describe", "--office", str(file),
    ]  # fmt: skip
    yield register_text(anna={"site": json.dumps(secret)}), ["custody", "keys", str(file)]
    yield json.dumps({"type": "tx", "ref": "ab" * 32, "label": secret}), [
        "custody", "labels", str(file), "--out", str(folder / "out"), *network,
    ]  # fmt: skip
    yield f"{COLDCARD}\n# {secret}", ["custody", "import", str(file), *network]
    yield secret, ["custody", "import", str(file), *network]


@pytest.mark.parametrize("kind", SECRETS)
def test_no_command_takes_repeats_logs_or_stores_it(kind, tmp_path, capsys, caplog):
    secret = SECRETS[kind]
    caplog.set_level(logging.DEBUG)
    for content, words in command_lines(secret, tmp_path):
        if content != "argument":
            (tmp_path / "file").write_text(content)
        assert main(words) == 2, words[:2]
        captured = capsys.readouterr()
        (tmp_path / "file").unlink(missing_ok=True)
        stored = "".join(file.read_text() for file in tmp_path.iterdir())
        for piece in fragments(secret):
            assert piece not in captured.out + captured.err
            assert piece not in caplog.text
            assert piece not in stored
        assert not (tmp_path / "out").exists()


# What is public passes.


@pytest.mark.parametrize(
    "text", [TWO_OF_THREE, RECOVERY, A, MAIN.public, VECTORS, COLDCARD, OFFICE]
)
def test_public_texts_hold_no_secret(text):
    assert find_secret(text) is None


@pytest.mark.parametrize(
    "text",
    [
        " ".join(WORDS.split()[:11]),
        " and the ".join(WORDS.split()),
        "The office will announce any change of this policy to the public before it takes effect, "
        "and the minister must approve every payment above the limit that the board has set.",
        "ab" * 32,
        "Kept in the vault of the central bank; opened on 2026-06-01 with the deputy present.",
        "bcrt1q" + "q" * 58,
    ],
)
def test_ordinary_text_is_no_secret(text):
    assert find_secret(text) is None


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(sorted(SECRETS)))
def test_a_secret_is_found_whatever_stands_around_it(before, after, kind):
    assert find_secret(f"{before} \n {SECRETS[kind]} \n {after}") is not None


@given(st.binary(min_size=32, max_size=32))
def test_every_seed_phrase_is_found(entropy):
    words = wallycore.bip39_mnemonic_from_bytes(wallycore.bip39_get_wordlist("en"), entropy)
    assert find_secret(f"label {words}.") is not None
