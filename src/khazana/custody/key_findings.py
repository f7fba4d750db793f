"""What the register shows about a wallet's keys: unknown, concentrated, weak, silent (K4 to K7)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from khazana.bitcoin.descriptor import Descriptor
from khazana.custody.advisories import Advisory
from khazana.custody.policy import is_met, is_nobodys, key_id, keys_in, policy_of
from khazana.custody.register import KeyRegister, RegisteredKey
from khazana.custody.ways import Way, fewest_keys, ways_of
from khazana.custody.words import key_names, lock_in_words
from khazana.ledger.findings import Finding

HEALTH_DAYS = 180
"""A key that has not signed for longer may be lost without anybody knowing."""


def key_findings(
    wallet: str,
    descriptor: Descriptor,
    register: KeyRegister,
    advisories: Sequence[Advisory],
    *,
    today: date,
    health_days: int = HEALTH_DAYS,
) -> tuple[Finding, ...]:
    """Everything the rules K4 to K7 find about the keys of one wallet, in the order of rules."""
    keys = registered_keys(descriptor, register)
    return (
        *keys_are_registered(wallet, descriptor, register, today=today),
        *no_group_suffices(wallet, descriptor, register, advisories),
        *seeds_are_sound(keys, advisories),
        *keys_answer(keys, today=today, health_days=health_days),
    )


def registered_keys(descriptor: Descriptor, register: KeyRegister) -> tuple[RegisteredKey, ...]:
    """The register's keys that the wallet uses, in its order, each once."""
    found = (register.holding(key_id(key)) for key in keys_in(policy_of(descriptor)))
    return tuple(dict.fromkeys(key for key in found if key is not None))


def keys_are_registered(
    wallet: str, descriptor: Descriptor, register: KeyRegister, *, today: date
) -> Iterator[Finding]:
    """Rule K4: every key stands in the register, as a whole key, and is not retired."""
    for position, key in enumerate(descriptor.keys, 1):
        where = f"wallet {wallet}, key {position}"
        if is_nobodys(key):
            continue
        known = register.holding(key_id(key))
        if known is None:
            same = register.with_fingerprint(key.fingerprint)
            text = f"no key of {register.file} has this public key"
            if same is not None:
                # Four bytes of fingerprint prove nothing: anybody can make a key that has them.
                text += f"; {same.id} has its fingerprint, but other public keys"
            yield Finding("K4", text, where)
            continue
        stated = next(a for a in known.accounts if a.key == key_id(key))
        if key.fingerprint is not None and (key.fingerprint, key.origin_path) != (
            stated.fingerprint,
            stated.origin_path,
        ):
            yield Finding("K4", f"its origin is not the one registered for {known.id}", where)
        if known.retired is not None and known.retired <= today:
            yield Finding("K4", f"{known.id} was retired on {known.retired}", where)


def no_group_suffices(
    wallet: str,
    descriptor: Descriptor,
    register: KeyRegister,
    advisories: Sequence[Advisory],
) -> Iterator[Finding]:
    """Rule K5: where several keys are needed, no vendor, advisory, site, agency or holder suffices.

    For a quorum of k keys that is: at most k - 1 keys under any one of them.
    """
    keys = registered_keys(descriptor, register)
    named = key_names(descriptor, register.names)
    for way in ways_of(policy_of(descriptor)):
        needed = fewest_keys(way)
        inside = {key_id(key) for key in keys_in(way.who)}
        if needed < 2:
            if way.open_at_once and needed == 1:
                yield Finding("K5", "one key alone can spend at once", f"wallet {wallet}")
            continue
        for kind, group, members in _groups(keys, advisories):
            held = frozenset(a.key for key in members for a in key.accounts) & inside
            if is_met(way.who, by=held, locks_open=True):
                who = ", ".join(sorted(named[key] for key in held))
                text = f"the keys under one {kind}, {group}, suffice to spend{_when(way)}: {who}"
                yield Finding("K5", text, f"wallet {wallet}")


def seeds_are_sound(
    keys: Iterable[RegisteredKey], advisories: Sequence[Advisory]
) -> Iterator[Finding]:
    """Rule K6: no key's seed was made by a device that an advisory names."""
    for key in keys:
        for advisory in advisories:
            reason = advisory.touches(key)
            if reason is not None:
                text = f"{advisory.id} ({advisory.title}): {reason}. What to do: {advisory.action}"
                yield Finding("K6", text, f"key {key.id}, {key.place}")


def keys_answer(
    keys: Iterable[RegisteredKey], *, today: date, health_days: int = HEALTH_DAYS
) -> Iterator[Finding]:
    """Rule K7: every key has proved that it signs, within `health_days` before `today`."""
    if health_days < 1:
        raise ValueError(f"health checks after {health_days} days cannot be")
    for key in keys:
        where = f"key {key.id}, {key.place}"
        if max(key.created, key.last_proven or key.created) > today:
            yield Finding("K7", f"it was created or proven after {today}, which is to come", where)
        elif key.last_proven is None:
            age = (today - key.created).days
            yield Finding("K7", f"it has never proved that it signs, {age} days old", where)
        elif today - key.last_proven > timedelta(days=health_days):
            days = (today - key.last_proven).days
            text = f"it last proved that it signs on {key.last_proven}, {days} days ago"
            yield Finding("K7", f"{text}; at most {health_days} are allowed", where)


def _groups(
    keys: Sequence[RegisteredKey], advisories: Sequence[Advisory]
) -> Iterator[tuple[str, str, list[RegisteredKey]]]:
    """Every set of keys that one failure, error or order could reach."""
    for kind in ("vendor", "site", "agency", "holder"):
        together: dict[str, list[RegisteredKey]] = {}
        for key in keys:
            # "Vault A" and "vault  a" are one place, however two people typed it.
            together.setdefault(" ".join(getattr(key, kind).casefold().split()), []).append(key)
        for members in together.values():
            yield kind, getattr(members[0], kind), members
    for advisory in advisories:
        touched = [key for key in keys if advisory.touches(key) is not None]
        if touched:
            yield "advisory", advisory.id, touched


def _when(way: Way) -> str:
    return "".join(f" {lock_in_words(lock)}" for lock in way.waits)
