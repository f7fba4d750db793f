"""Every value in a statement, changed one at a time: what no check notices is on a list.

What is on the list is the office's word, and docs/spec/checks.md says so.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.reserve.simulator import Parts, parts_of, rerooted
from tests.reserve.test_attacks import second
from tests.reserve.world import story

WORD_OF_THE_OFFICE = {
    "header.office.name.en",
    "header.office.notice",
    "header.period.timezone",
    "header.tip.hash",  # printed when it is not the chain's; blocks near the tip are replaced
    "header.tip.height",
    "header.supersedes",
    "header.dust_threshold",  # a change since the previous statement is printed
    "header.match_window_days",
    "entity.name.en",
    "entity.sector",
    "wallet.name.en",
    "account.name.en",
    "perimeter.name.en",
    "perimeter.members.#.document",
    "account.attested.#.attested_by",
    "account.attested.#.document",
    "account.attested.#.file_sha256",
    "document.commitment",  # opened by whoever is given the document
    "document.file_sha256",
}
"""A part's kind and the path below it; # stands for a place in a list."""

Path = tuple[str | int, ...]


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Every value below one, itself included, the root excepted."""
    if above:
        yield above
    below = value.items() if isinstance(value, dict) else ()
    below = enumerate(value) if isinstance(value, list) else below
    for key, each in below:
        yield from paths(each, (*above, key))


def at(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def words(name: str, path: Path) -> str:
    kind = name.partition("/")[0]
    return ".".join((kind, *("#" if isinstance(key, int) else key for key in path)))


def otherwise(value: Any) -> list[Any]:
    """Values of the same shape that say something else."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1] if value else [value + 1]
    if value is None:
        return ["cd" * 32, 5]
    if isinstance(value, str):
        return ["cd" * 32] if len(value) == 64 else ["x" + value, "treasury", "B"]
    if isinstance(value, list) and value:
        return [value[:-1], [*value, copy.deepcopy(value[0])]]
    if isinstance(value, dict) and set(value) == {"height", "hash"}:
        block = story().world.chain.block_at(1)
        return [{"height": block.height, "hash": block.hash}]
    return []


def setting(name: str, path: Path, value: Any) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        at(parts[name], path[:-1])[path[-1]] = value

    return change


def test_whatever_is_changed_is_noticed_or_is_the_offices_word():
    told = story()
    base = second(told)
    bodies = parts_of(base)
    previous = told.world.signed(told.world.made(told.start, told.middle).statement)
    seen: set[str] = set()
    unnoticed: set[str] = set()
    for name, body in bodies.items():
        for path in paths(body):
            place = words(name, path)
            if place in seen or place.startswith("header.parts"):
                continue  # counts are made anew below
            seen.add(place)
            for other in otherwise(at(body, path)):
                if other == at(body, path):
                    continue
                try:
                    raw = told.world.signed(rerooted(base, setting(name, path, other)))
                except (ValueError, TypeError, KeyError):
                    continue  # not even the office's own tools make such a file
                if not told.world.check(raw, previous=previous).failed:
                    unnoticed.add(place)
    assert unnoticed <= WORD_OF_THE_OFFICE, sorted(unnoticed - WORD_OF_THE_OFFICE)
    assert unnoticed >= WORD_OF_THE_OFFICE, sorted(WORD_OF_THE_OFFICE - unnoticed)
