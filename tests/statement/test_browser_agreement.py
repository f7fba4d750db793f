"""The page in a browser and the program itself must give the same verdicts."""

import base64
import copy
import functools
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.levels import keep_at
from khazana.reserve.verify import ORDER
from khazana.statement.browser_page.build import (
    page_schemas,
)
from khazana.statement.dsse import joined, sign
from khazana.statement.envelope import disclose, read_statement, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import (
    Office,
    OfficeVersion,
    Role,
    SignedVersion,
    new_office,
    sign_version,
    succeeded,
)
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import Pin, office_document, read_office, write_office
from khazana.statement.signatures import ROOT_PAYLOAD_TYPE, claim_bytes, signature_evidence
from tests.reserve.simulator import NOW, keys, parts_of, rerooted
from tests.reserve.test_attacks import second
from tests.reserve.test_every_leaf import otherwise, paths, setting, words
from tests.reserve.world import story
from tests.statement.agreement import (
    HERE,
    by_file,
    disagreements,
    every_place,
    failed,
    in_browser,
    in_python,
    other_values,
    pinned,
)
from tests.statement.browser import LATER


@pytest.mark.parametrize("pin", [None, pinned, by_file], ids=["no pin", "fingerprint", "file"])
@pytest.mark.parametrize("level", ["totals", "addresses", "full", "auditor"])
def test_an_honest_statement_gets_the_programs_verdicts_at_every_level(tab, level, pin):
    raw = disclosed(level)
    known = pin() if pin else None
    (verdicts,) = in_browser(tab, [raw], pin=known)
    assert {name: verdicts[name][0] for name in HERE} == in_python(raw, pin=known)
    assert failed(verdicts) == []
    assert set(verdicts) == set(ORDER)
    assert {verdicts[name][0] for name in ORDER if name not in HERE} == {"not checkable"}


def test_every_body_value_changed_by_the_office_itself_gets_the_programs_verdict(tab):
    """The office re-roots and re-signs, so that only the checks of content can notice."""
    told = story()
    base = second(told)
    corpus, seen = [], set()
    for name, body in parts_of(base).items():
        for path in paths(body):
            place = words(name, path)
            if place in seen or place.startswith("header.parts"):
                continue
            seen.add(place)
            value: Any = functools.reduce(lambda inner, key: inner[key], path, body)
            for other in otherwise(value)[:2]:
                try:
                    raw = told.world.signed(rerooted(base, setting(name, path, other)))
                except (ValueError, TypeError, KeyError):
                    continue
                corpus.append((f"{place} = {other!r}"[:90], raw))
    assert len(corpus) > 150
    assert disagreements(tab, corpus, pin=pinned()) == []


def disclosed(level: str) -> bytes:
    full = read_statement(story().second, kinds=page_schemas()["parts"]["properties"])
    return write_statement(disclose(full, keep_at(level)))


@pytest.mark.parametrize("level", ["totals", "full"])
def test_every_value_in_the_file_changed_by_a_stranger_gets_the_programs_verdict(tab, level):
    """Nothing is signed again; also the envelope, the signatures and the identity are changed."""
    document: Any = parse_strict(disclosed(level))
    corpus = []
    for path in every_place(document):
        for other in other_values(functools.reduce(lambda inner, key: inner[key], path, document)):
            changed = copy.deepcopy(document)
            target = functools.reduce(lambda inner, key: inner[key], path[:-1], changed)
            target[path[-1]] = other
            raw = canonical_bytes(changed) + b"\n"
            corpus.append((f"{'.'.join(map(str, path))} = {other!r}"[:120], raw))
        if isinstance(path[-1], str):
            changed = copy.deepcopy(document)
            del functools.reduce(lambda inner, key: inner[key], path[:-1], changed)[path[-1]]
            corpus.append((f"without {path}", canonical_bytes(changed) + b"\n"))
    assert len(corpus) > 300
    assert disagreements(tab, corpus, pin=pinned()) == []


def spellings() -> list[tuple[str, bytes]]:
    raw = story().second
    text = raw.decode()
    (name,) = [line for line in ['"timezone":"Asia/Karachi"'] if line in text]
    changed = {
        "no newline": raw[:-1],
        "two newlines": raw + b"\n",
        "carriage return": raw[:-1] + b"\r\n",
        "byte order mark": b"\xef\xbb\xbf" + raw,
        "leading space": b" " + raw,
        "indented": json.dumps(json.loads(raw), indent=1).encode(),
        "empty": b"",
        "only a newline": b"\n",
        "a list": b"[]\n",
        "a number": b"5\n",
        "null": b"null\n",
        "empty object": b"{}\n",
        "latin 1": raw.replace(b"Asia/Karachi", b"Asia/Karach\xed"),
        "surrogate bytes": raw.replace(b"Asia/Karachi", b"\xed\xa0\x80"),
        "overlong": raw.replace(b"Asia/Karachi", b"\xc0\xaf"),
        "half a pair": raw.replace(b"Asia/Karachi", b"\\ud800"),
        "escaped letter": raw.replace(b"Asia/Karachi", b"\\u0041sia/Karachi"),
        "escaped solidus": raw.replace(b"Asia/Karachi", b"Asia\\/Karachi"),
        "bad escape": raw.replace(b"Asia/Karachi", b"\\x"),
        "not NFC": raw.replace(b"Asia/Karachi", "e\u0301".encode()),
        "NFC": raw.replace(b"Asia/Karachi", "\u00e9 \U0001f4b0 \u2028 \x7f".encode()),
        "raw control": raw.replace(b"Asia/Karachi", b"\t"),
        "escaped controls": raw.replace(b"Asia/Karachi", b'\\t\\u001f\\"\\\\'),
        "long escape of a control": raw.replace(b"Asia/Karachi", b"\\u0009"),
        "duplicate key": text.replace(name, f"{name},{name}").encode(),
        "key from the prototype": text.replace(name, f'"__proto__":1,{name}').encode(),
        "constructor": text.replace(name, f'"constructor":1,{name}').encode(),
        "empty key": text.replace(name, f'"":1,{name}').encode(),
        "odd key": text.replace(name, f'"\u00e9":1,{name}').encode(),
        "trailing comma": text.replace(name, f"{name},").encode(),
        "NaN": raw.replace(b'"min_depth":6', b'"min_depth":NaN'),
        "deep": b"[" * 5000 + b"]" * 5000 + b"\n",
        "cut": raw[: len(raw) // 2],
    }
    for literal in ("6.0", "6e0", "06", "-0", "+6", "0x6", "9007199254740992", "9" * 400, "true"):
        changed[f"number {literal}"] = raw.replace(
            b'"min_depth":6', f'"min_depth":{literal}'.encode()
        )
    assert b'"min_depth":6' in raw
    return list(changed.items())


def test_every_other_spelling_is_refused_as_the_program_refuses_it(tab):
    corpus = spellings()
    assert disagreements(tab, corpus, pin=pinned()) == []
    for (name, _), verdicts in zip(
        corpus, in_browser(tab, [raw for _, raw in corpus]), strict=True
    ):
        if name not in ("NFC", "escaped controls"):
            assert failed(verdicts) == ["schema"], name


def test_sums_beyond_two_to_the_53_are_exact(tab):
    told = story()
    most = 2_100_000_000_000_000

    def change(parts: Any) -> None:
        figures = parts["wallet/fund"]["figures"]
        figures.update(inflow=most, coinbase=most, outflow=most, off_chain=most, fee=0)
        figures.update(opening=most, perimeter_change=most - 1, closing=most)

    raw = told.world.signed(rerooted(second(told), change))
    (verdicts,) = in_browser(tab, [raw], pin=pinned())
    assert verdicts["balance"][0] == "failed"
    assert str(4 * most - 1) in verdicts["balance"][1]
    assert disagreements(tab, [("large", raw)], pin=pinned()) == []


@pytest.mark.parametrize("most", [2_100_000_000_000_000, -2_100_000_000_000_000])
def test_amounts_up_to_all_bitcoin_and_no_further(tab, most):
    told = story()
    files = []
    for amount in (most, most + (1 if most > 0 else -1)):
        change = setting("wallet/fund", ("figures", "perimeter_change"), amount)
        files.append((str(amount), told.world.signed(rerooted(second(told), change))))
    inside, beyond = in_browser(tab, [raw for _, raw in files], pin=pinned())
    assert (inside["schema"][0], beyond["schema"][0]) == ("passed", "failed")
    assert disagreements(tab, files, pin=pinned()) == []


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(NOW - timedelta(seconds=1), "failed"), (NOW, "passed"), (LATER, "passed")],
)
def test_a_signature_from_the_future_is_refused(tab, now, verdict):
    (found,) = in_browser(tab, [story().second], pin=pinned(), now=now)
    assert found["signatures"][0] == verdict
    assert disagreements(tab, [("now", story().second)], pin=pinned(), now=now) == []


def next_version(office: Office, **changes: Any) -> OfficeVersion:
    fields = {
        "version": office.newest.version + 1,
        "previous": office.newest.digest,
        "valid_from": NOW + timedelta(hours=1),
    }
    return replace(office.newest, **(fields | changes))


def chains() -> dict[str, Office]:
    """Honest chains of an office: one version, two, one with a key revoked."""
    first = story().world.identity
    old = keys(story().world.name)
    fourth = keys("a new key", 1)[0]
    public = {key_id(public_bytes(k)): public_bytes(k) for k in [*old[1:], fourth]}
    role = Role(frozenset(public), 2)
    turned = next_version(
        first,
        keys=public,
        roles={"root": role, "statement": role},
        revoked=frozenset({key_id(public_bytes(old[0]))}),
    )
    return {
        "one": first,
        "two": succeeded(first, next_version(first), old[:2]),
        "revoked": succeeded(first, turned, [*old[1:], fourth]),
        "another office": new_office(replace(first.newest, id="other"), old[:2]),
    }


@pytest.mark.parametrize("which", ["one", "two", "revoked", "another office"])
def test_a_pinned_chain_of_versions_gets_the_programs_verdicts(tab, which):
    office = chains()[which]
    raw = story().second
    for pin in (Pin(office.fingerprint, office), Pin(office.fingerprint)):
        assert disagreements(tab, [(which, raw)], pin=pin) == []
    (found,) = in_browser(tab, [raw], pin=Pin(office.fingerprint, office))
    assert (found["signatures"][0] == "failed") == (which == "revoked")
    assert (found["identity"][0] == "failed") == (which == "another office")


def office_corpus() -> list[bytes]:
    """Office files, each value changed once, and chains that the office itself signs wrongly."""
    document = office_document(chains()["revoked"])
    found = [write_office(office) for office in chains().values()]
    for path in every_place(document):
        for other in other_values(functools.reduce(lambda inner, key: inner[key], path, document)):
            changed = copy.deepcopy(document)
            target = functools.reduce(lambda inner, key: inner[key], path[:-1], changed)
            target[path[-1]] = other
            found.append(canonical_bytes(changed))
    first = story().world.identity
    signer = keys(story().world.name)[:2]
    for change in (
        {"valid_from": first.newest.valid_from},
        {"valid_from": first.newest.valid_from + timedelta(days=1)},
        {"id": "renamed"},
        {"previous": "ab" * 32},
        {"version": 3},
        {"valid_until": first.newest.valid_until + timedelta(days=9)},
    ):
        version = next_version(first, **change)
        signed = SignedVersion(version, dict(sign_version(version, key) for key in signer))
        honest = office_document(first)
        honest["versions"].append(
            {
                "body": signed.version.to_json(),
                "signatures": [
                    {"key": key, "signature": value.hex()}
                    for key, value in signed.signatures.items()
                ],
            }
        )
        found.append(canonical_bytes(honest))
    found.append(json.dumps(office_document(first), indent=2).encode())
    once = write_office(first)
    found.append(once.replace(b'"test":true', b'"test":true,"test":true', 1))
    found.append(b"\xef\xbb\xbf" + once)
    found.append(once + b" " * (1 << 20))
    return found


def test_office_files_are_accepted_and_refused_as_by_the_program(tab):
    corpus = office_corpus()
    theirs = tab.evaluate(
        """async (files) => {
          const found = [];
          for (const file of files) {
            const bytes = Uint8Array.from(atob(file), (unit) => unit.charCodeAt(0));
            try { found.push([(await khazana.pinByFile(bytes)).fingerprint, null]); }
            catch (error) { found.push([null, error.constructor.name + ": " + error.message]); }
          }
          return found;
        }""",
        [base64.b64encode(raw).decode() for raw in corpus],
    )
    wrong = []
    for raw, (fingerprint, problem) in zip(corpus, theirs, strict=True):
        try:
            mine = read_office(raw).fingerprint
        except KhazanaError as error:
            mine, refusal = None, str(error)
            if problem is None or not problem.startswith("Refused: "):
                wrong.append((refusal, problem))
            continue
        if mine != fingerprint:
            wrong.append((mine, problem))
    assert wrong == []
    assert sum(fingerprint is not None for fingerprint, _ in theirs) >= 5


def claims() -> list[tuple[str, bytes]]:
    """The office's own keys sign words about the statement that are not true of it."""
    world = story().world
    bare = replace(
        read_statement(story().second, kinds=page_schemas()["parts"]["properties"]), evidence=()
    )
    version = world.identity.newest
    true: Any = parse_strict(
        claim_bytes(bare, version, fingerprint=world.identity.fingerprint, at=NOW)
    )
    period = true["period"]
    changed: dict[str, Any] = {
        "nothing": {},
        "root": {"root": "ab" * 32},
        "size": {"tree_size": true["tree_size"] + 1},
        "office": {"office": "ab" * 32},
        "network": {"network": {**true["network"], "name": "signet"}},
        "test": {"test": False},
        "period": {"period": {**period, "timezone": "UTC"}},
        "no period": {"period": {}},
        "unknown version": {"identity_version": 2},
        "version 0": {"identity_version": 0},
        "before the office": {"signed_at": "2001-01-01T00:00:00Z"},
        "after the office": {"signed_at": "2036-01-01T00:00:00Z"},
        "no month": {"signed_at": "2026-13-01T00:00:00Z"},
        "no day": {"signed_at": "2026-02-30T00:00:00Z"},
        "leap second": {"signed_at": "2026-06-30T23:59:60Z"},
        "midnight twice": {"signed_at": "2026-06-30T24:00:00Z"},
        "year 0": {"signed_at": "0000-01-01T00:00:00Z"},
        "a field more": {"note": "x"},
    }
    payloads = {name: canonical_bytes({**true, **change}) for name, change in changed.items()}
    payloads["spaces"] = json.dumps(true).encode()
    payloads["no JSON"] = b"{"
    found = []
    for name, payload in payloads.items():
        for kind in (ROOT_PAYLOAD_TYPE, "text/plain"):
            each = joined([sign(kind, payload, key) for key in world.keys[:2]])
            signed = with_evidence(
                bare, signature_evidence(bare, each), identity_evidence(bare, world.identity)
            )
            found.append((f"{name}, {kind}", write_statement(signed)))
    good: Any = parse_strict(found[0][1])
    envelope = next(e for e in good["evidence"] if "envelope" in e)["envelope"]
    first = envelope["signatures"][0]["sig"]
    # 64 bytes leave four unused bits in the last digit before the padding.
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    envelope["signatures"][0]["sig"] = first[:-3] + digits[digits.index(first[-3]) + 1] + "=="
    found.append(("a second spelling of base64", canonical_bytes(good) + b"\n"))
    envelope["signatures"][0]["sig"] = first
    envelope["signatures"].append(envelope["signatures"][0])
    found.append(("one key twice", canonical_bytes(good) + b"\n"))
    return found


@pytest.mark.parametrize("now", [LATER, LATER + timedelta(days=9999)], ids=["now", "years later"])
def test_untrue_words_signed_by_the_right_keys_get_the_programs_verdicts(tab, now):
    corpus = claims()
    for pin in (None, pinned(), by_file()):
        assert disagreements(tab, corpus, pin=pin, now=now) == []
    found = in_browser(tab, [raw for _, raw in corpus], pin=pinned(), now=now)
    good = [name for (name, _), each in zip(corpus, found, strict=True) if not failed(each)]
    assert good == [f"nothing, {ROOT_PAYLOAD_TYPE}"]
