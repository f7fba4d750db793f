"""Keys that can spend have no place here: found by their shape, refused, not repeated (K14).

Every reader of files that people fill in asks here first, so that no later message can quote one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import wallycore

from khazana.bitcoin.base_encodings import BASE58_ALPHABET, BECH32_ALPHABET
from khazana.errors import KhazanaError

WHAT_TO_DO_ABOUT_SECRETS = (
    "Nothing in this program needs it: remove it from every file it was copied to, and move the "
    "coins to a new key."
)
FEWEST_SEED_WORDS = 12
"""BIP-39 phrases have 12 to 24 words; so many of the list in a row are no ordinary sentence."""

_WORD = re.compile(r"[0-9A-Za-z]+")
_LETTERS = re.compile(r"[A-Za-z]+")
_BETWEEN_SEED_WORDS = re.compile(r"[^A-Za-z]{1,16}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_SHAPES = (
    # BIP-32 and SLIP-132: y and z on mainnet, u and v on test networks, capitals for multisig.
    ("an extended private key", re.compile(r"[A-Za-z]prv[0-9A-Za-z]{8,}")),
    (
        "a private key in wallet import format",
        re.compile(rf"[5KL9c][{BASE58_ALPHABET}]{{50,51}}"),
    ),
    ("an encrypted private key (BIP-38)", re.compile(rf"6P[{BASE58_ALPHABET}]{{56}}")),
    (
        "a share of a seed (codex32)",
        re.compile(rf"(?:ms1[{BECH32_ALPHABET}]{{45,124}}|MS1[{BECH32_ALPHABET.upper()}]{{45,124}})"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """What kind of secret stands in a text, and on which line (from 1). Never the secret."""

    kind: str
    line: int


@dataclass(eq=False, kw_only=True)
class SecretRefused(KhazanaError):
    """A key that can spend, or the seed of one, stands where it never belongs."""

    where: str
    line: int
    kind: str
    code = "secret_refused"
    words = (
        "{where}, line {line}: {kind} stands here; it is not repeated, and nothing was taken from "
        f"this text. {WHAT_TO_DO_ABOUT_SECRETS}"
    )


def find_secret(text: str) -> FoundSecret | None:
    """The first thing shaped like a key that can spend, or like the seed of one.

    >>> find_secret("wpkh(tprv8ZgxMBicQKsPd9TeAdPADNnSyH9SSUUbTVeFszDE23Ki6TBB5nCefAdHkK8Fm3qM)")
    FoundSecret(kind='an extended private key', line=1)
    """
    place = _shaped_secret(text) or _seed_words(text)
    if place is None:
        return None
    kind, start = place
    return FoundSecret(kind, text.count("\n", 0, start) + 1)


def refuse_secrets_in(text: str, *, where: str) -> None:
    """Raise `SecretRefused` if there is one in the text. where: the file, never its content."""
    found = find_secret(text)
    if found is not None:
        raise SecretRefused(where=where, line=found.line, kind=found.kind)


def refuse_secrets_in_values(values: Any, *, where: str, line: int = 1) -> None:
    """The same for what a file decodes to. line: where that stands."""
    found = find_secret_in_values(values)
    if found is not None:
        raise SecretRefused(where=where, line=line, kind=found.kind)


def find_secret_in_values(values: Any) -> FoundSecret | None:
    """What `find_secret` finds in texts, lists and tables: escapes may hide a word in the file.

    The line is 1: where a value stands in its file is not known here.
    """
    found = find_secret("\n".join(_texts(values)))
    return None if found is None else FoundSecret(found.kind, 1)


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _texts(value)


def _shaped_secret(text: str) -> tuple[str, int] | None:
    for word in _WORD.finditer(text):
        shape = word.group()
        if len(shape) < 12 or _HEX.fullmatch(shape):
            continue
        for kind, pattern in _SHAPES:
            if pattern.fullmatch(shape):
                return kind, word.start()
    return None


def _seed_words(text: str) -> tuple[str, int] | None:
    """Words of BIP-39's English list one after the other, numbered or not, whole or cut to four."""
    known = _english()
    run, first, end = 0, 0, 0
    for word in _LETTERS.finditer(text):
        if word.group().lower() not in known:
            run = 0
            continue
        if run and not _BETWEEN_SEED_WORDS.fullmatch(text, end, word.start()):
            run = 0
        if not run:
            first = word.start()
        run, end = run + 1, word.end()
        if run >= FEWEST_SEED_WORDS:
            return "a phrase of seed words", first
    return None


@cache
def _english() -> frozenset[str]:
    """The list, and each word's first four letters, which tell the words apart (BIP-39)."""
    words = wallycore.bip39_get_wordlist("en")
    full = {wallycore.bip39_get_word(words, index) for index in range(2048)}
    return frozenset(full | {word[:4] for word in full})
