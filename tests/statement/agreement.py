"""What the page finds beside what the program finds, for the tests that compare the two."""

import base64
import copy
import functools
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.checks_books import _sums
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile
from khazana.statement.office_file import Pin, write_office
from tests.reserve.simulator import rerooted
from tests.reserve.test_attacks import second
from tests.reserve.test_every_leaf import paths, setting
from tests.reserve.world import story
from tests.statement.browser import LATER

HERE = ("schema", "root", "identity", "signatures", "evidence", "balance", "attested")
"""The checks that the page makes."""
CHECK_ALL = """async ([files, pin, now]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  const known = pin.office ? await khazana.pinByFile(bytes(pin.office))
    : pin.fingerprint ? khazana.pinByFingerprint(pin.fingerprint) : null;
  const found = [];
  for (const file of files) {
    const { results } = await khazana.checkFile(bytes(file), known, now);
    const said = results.map((each) => [each.name, [each.verdict, each.summary]]);
    found.push(Object.fromEntries(said));
  }
  return found;
}"""


def in_browser(
    tab: Any, files: Sequence[bytes], *, pin: Pin | None = None, now: datetime = LATER
) -> list[dict[str, tuple[str, str]]]:
    """Name: verdict and summary, for each file."""
    given: dict[str, str] = {}
    if pin is not None and pin.office is not None:
        given["office"] = base64.b64encode(write_office(pin.office)).decode()
    elif pin is not None:
        given["fingerprint"] = pin.fingerprint
    encoded = [base64.b64encode(raw).decode() for raw in files]
    found: list[dict[str, tuple[str, str]]] = tab.evaluate(
        CHECK_ALL, [encoded, given, int(now.timestamp() * 1000)]
    )
    return found


def in_python(raw: bytes, *, pin: Pin | None = None, now: datetime = LATER) -> dict[str, str]:
    """The program's verdicts without a chain; of the balance only whether it adds up."""
    report = verify(
        Request(
            raw=raw,
            chain=None,
            engine=best_engine(),
            profile=Profile.TOTALS,
            now=now,
            pin=pin,
        )
    )
    found = {line.result.name: line.result.verdict.value for line in report.lines}
    verdicts = {name: found.get(name, "not checkable") for name in HERE}
    verdicts["balance"] = "not checkable"
    if verdicts["schema"] == "passed":
        statement = read_reserve_statement(raw)
        if not statement.withheld("wallet") and not statement.withheld("account"):
            case: Any = type("Disclosed", (), {"statement": statement})
            verdicts["balance"] = "failed" if list(_sums(case)) else "passed"
    return verdicts


def disagreements(
    tab: Any, corpus: Sequence[tuple[str, bytes]], *, pin: Pin | None, now: datetime = LATER
) -> list[tuple[str, dict[str, Any]]]:
    """Where page and program give different verdicts, by the name of the case."""
    found = []
    theirs = in_browser(tab, [raw for _, raw in corpus], pin=pin, now=now)
    for (name, raw), verdicts in zip(corpus, theirs, strict=True):
        mine = in_python(raw, pin=pin, now=now)
        wrong = {
            check: (mine[check], *verdicts[check])
            for check in HERE
            if mine[check] != verdicts[check][0]
        }
        if wrong:
            found.append((name, wrong))
    return found


def failed(verdicts: dict[str, tuple[str, str]]) -> list[str]:
    return [name for name, (verdict, _) in verdicts.items() if verdict == "failed"]


def pinned() -> Pin:
    return Pin(story().world.identity.fingerprint)


def by_file() -> Pin:
    office = story().world.identity
    return Pin(office.fingerprint, office)


def every_place(value: Any) -> list[tuple[Any, ...]]:
    """One path of each kind in a document: places in lists count once, the first and the last."""
    seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for path in paths(value):
        shape = tuple("#" if isinstance(key, int) else key for key in path)
        seen.setdefault(shape, path)
    return list(seen.values())


def other_values(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, 1]
    if isinstance(value, int):
        return [value + 1, str(value)]
    if isinstance(value, str):
        turned = value[:-1] + ("0" if value[-1:] != "0" else "1")
        return [turned, value + "A", ""]
    if value is None:
        return ["", 0]
    if isinstance(value, list):
        return [[], value[:-1], [*value, *value[:1]]] if value else [[None]]
    return [{}, {**value, "added": 1}]


def tampered() -> dict[str, tuple[bytes, str]]:
    """What an attacker does, and the check that must notice."""
    told = story()
    document: Any = parse_strict(told.second)

    def edited(change: Callable[[Any], None]) -> bytes:
        copied = copy.deepcopy(document)
        change(copied)
        return canonical_bytes(copied) + b"\n"

    wallet = next(i for i, p in enumerate(document["parts"]) if p["name"] == "wallet/fund")
    signature = next(
        i for i, e in enumerate(document["evidence"]) if e["type"] == "khazana.signature/1"
    )
    name_only: tuple[str | int, ...] = ("parts", wallet, "body", "name", "en")

    def rename(copied: Any) -> None:
        functools.reduce(lambda inner, key: inner[key], name_only[:-1], copied)["en"] = "another"

    def drop_signature(copied: Any) -> None:
        del copied["evidence"][signature]

    def forge(copied: Any) -> None:
        each = copied["evidence"][signature]["envelope"]["signatures"][0]
        each["sig"] = base64.b64encode(b"\x01" * 64).decode()

    def strange(copied: Any) -> None:
        copied["evidence"].append({"type": "x.unknown/1", "subject_root": "ab" * 32})

    base = second(told)
    adds = setting("wallet/fund", ("figures", "closing"), 1)
    other = story().world.identity.newest
    return {
        "a name under the root": (edited(rename), "root"),
        "a signature removed": (edited(drop_signature), "signatures"),
        "a signature forged": (edited(forge), "signatures"),
        "evidence copied": (edited(strange), "evidence"),
        "a total that does not add up": (told.world.signed(rerooted(base, adds)), "balance"),
        "reasons that do not add up": (
            told.world.signed(
                rerooted(base, setting("wallet/fund", ("figures", "reasons", 0, "amount"), 1))
            ),
            "balance",
        ),
        "signed before the closing block": (
            told.world.signed(
                rerooted(base, setting("header", ("period", "until_mtp"), "2026-11-30T00:00:00Z"))
            ),
            "signatures",
        ),
        "a balance graded above its letter": (
            told.world.signed(
                rerooted(base, setting("account/exchange", ("attested", 0, "grade"), "B"))
            ),
            "attested",
        ),
        "reformatted": (json.dumps(json.loads(told.second)).encode(), "schema"),
        "another office named": (
            told.world.signed(
                rerooted(base, setting("header", ("office", "fingerprint"), other.digest[::-1]))
            ),
            "identity",
        ),
    }
