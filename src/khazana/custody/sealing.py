"""Withheld proofs are sealed with age for readers whom the office names, and opened by them.

age (age-encryption.org/v1) encrypts a file for any number of public keys. Whoever does not hold one
of the private keys reads nothing of it, and a change of any byte is noticed when it is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyrage import (  # type: ignore[import-untyped]  # it ships no type information
    DecryptError,
    IdentityError,
    RecipientError,
    decrypt,
    encrypt,
    x25519,
)

from khazana.errors import KhazanaError

_MAGIC = b"age-encryption.org/v1\n"


@dataclass(eq=False, kw_only=True)
class RecipientRefused(KhazanaError):
    """A file cannot be sealed for this: it is no age key."""

    recipient: str
    code = "recipient_refused"
    words = (
        "{recipient} is no public age key; one begins with age1 and is what `age-keygen` prints "
        "as the public key"
    )


@dataclass(eq=False, kw_only=True)
class AgeIdentityRefused(KhazanaError):
    """A file of private age keys holds none that can be used. Its content is never repeated."""

    problem: str
    code = "age_identity_refused"
    words = (
        "the file of age identities cannot be used: {problem}; it has one AGE-SECRET-KEY-1… a line"
    )


@dataclass(eq=False, kw_only=True)
class SealedForSomebodyElse(KhazanaError):
    """None of the keys given opens the file."""

    tried: int
    code = "sealed_for_somebody_else"
    words = (
        "none of the {tried} keys given opens the file: it was sealed for somebody else, or its "
        "head was changed"
    )


@dataclass(eq=False, kw_only=True)
class SealBroken(KhazanaError):
    """The file is not as it was sealed."""

    problem: str
    code = "seal_broken"
    words = "the sealed file was changed or is none: {problem}; ask the office for it again"


def seal(raw: bytes, recipients: Sequence[str]) -> bytes:
    """The file that only holders of the recipients' private keys can open.

    recipients: age1… keys, at least one. age draws its own randomness, so two calls differ.
    """
    if not recipients:
        raise ValueError("a file is sealed for somebody")
    keys = []
    for recipient in recipients:
        try:
            keys.append(x25519.Recipient.from_str(recipient))
        except RecipientError:
            # A private key typed in its place must not stand in a message.
            shown = recipient if recipient.startswith("age1") else "what was given"
            raise RecipientRefused(recipient=shown) from None
    return bytes(encrypt(raw, keys))


def unseal(sealed: bytes, identities: str) -> bytes:
    """What was sealed. identities: the text of an age key file; lines with # are notes."""
    if not sealed.startswith(_MAGIC):
        raise SealBroken(problem="it does not begin as age writes files")
    keys = []
    for number, line in enumerate(identities.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            keys.append(x25519.Identity.from_str(text))
        except IdentityError:
            problem = f"line {number} is no age identity"
            raise AgeIdentityRefused(problem=problem) from None
    if not keys:
        raise AgeIdentityRefused(problem="it holds no key")
    try:
        return bytes(decrypt(sealed, keys))
    except DecryptError as error:
        # The library says so of a stanza that none of the keys opens, and only of that.
        if "No matching keys" in str(error):
            raise SealedForSomebodyElse(tried=len(keys)) from None
        raise SealBroken(problem="its contents do not decrypt") from None
