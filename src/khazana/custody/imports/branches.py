"""Receiving and change as one descriptor: <0;1> (BIP-389) from two texts or from a template."""

import re
from collections.abc import Sequence

_STEPS = re.compile(r"(?:/[0-9]+)*/\*")
_INDEXED = re.compile(r"((?:/[0-9]+)+)/\*(?=[,)}])")
_BARE_KEY = re.compile(r"([a-zA-Z]pub[0-9A-Za-z]{100,})(?=[,)}])")


def body(text: str) -> str:
    """A descriptor without its checksum."""
    return text.partition("#")[0]


def joined(receive: str, change: str) -> str | None:
    """One descriptor of two branches, or None if they differ in more than one step of each key.

    >>> joined("wpkh(xpub/0/*)", "wpkh(xpub/1/*)")
    'wpkh(xpub/<0;1>/*)'
    """
    ours, theirs = _INDEXED.split(body(receive)), _INDEXED.split(body(change))
    if len(ours) != len(theirs) or len(ours) < 3:
        return None
    text = ""
    for position, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if position % 2 == 0:
            if a != b:
                return None
            text += a
            continue
        path = one_path([f"{a}/*", f"{b}/*"])
        if path is None or "<" not in path:
            return None
        text += path
    return text


def one_path(paths: Sequence[str]) -> str | None:
    """Several derivation paths as one, or None if more than one step differs.

    >>> one_path(["/0/*", "/1/*"])
    '/<0;1>/*'
    """
    if not paths or not all(_STEPS.fullmatch(path) for path in paths):
        return None
    split = [path.split("/")[1:] for path in paths]
    if len({len(steps) for steps in split}) != 1:
        return None
    steps, differing = [], 0
    for at in zip(*split, strict=True):
        different = list(dict.fromkeys(at))
        if len(different) == 1:
            steps.append(at[0])
        elif len(different) == len(at):
            differing += 1
            steps.append(f"<{';'.join(at)}>")
        else:
            return None
    return "/" + "/".join(steps) if differing == (len(paths) > 1) else None


def with_change(text: str) -> str | None:
    """A descriptor that names only its receiving branch /0/*, with /1/* for the change."""
    indexed = _INDEXED.findall(body(text))
    if not indexed or any(not path.endswith("/0") for path in indexed) or "<" in text:
        return None
    return _INDEXED.sub(lambda found: found[1][:-1] + "<0;1>/*", body(text))


def with_branches(text: str) -> str | None:
    """A descriptor whose extended keys lead nowhere, with /<0;1>/* behind each of them."""
    if "*" in text or not _BARE_KEY.search(text):
        return None
    return _BARE_KEY.sub(r"\1/<0;1>/*", body(text))
