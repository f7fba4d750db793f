"""The wallets that older programs know: one key, or k of n sorted keys, in four kinds of script."""

from dataclasses import dataclass

from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.descriptor_keys import HARDENED
from khazana.custody.exports.errors import NotExportable

RECEIVE, CHANGE = 0, 1


@dataclass(frozen=True, slots=True)
class PlainQuorum:
    """script: the functions around the keys, such as ("sh", "wsh"). required: of `keys`."""

    script: tuple[str, ...]
    required: int
    keys: tuple[KeyExpression, ...]

    @property
    def single(self) -> bool:
        return self.script[-1] in ("pkh", "wpkh")


def plain_quorum(descriptor: Descriptor, *, program: str) -> PlainQuorum:
    """The wallet as such a program sees it, or `NotExportable` with what it would get wrong."""
    script: list[str] = []
    part: Expression | None = descriptor.tree
    while part is not None and part.name in ("sh", "wsh"):
        script.append(part.name)
        inner = part.arguments[0]
        part = inner if isinstance(inner, Expression) else None
    if part is None or part.wrappers or part.name not in ("pkh", "wpkh", "sortedmulti"):
        problem = f"{descriptor.outline} is neither one key nor a quorum with sorted keys"
        raise NotExportable(program=program, problem=problem)
    if part.name != "sortedmulti":
        script.append(part.name)
    required = part.arguments[0] if part.name == "sortedmulti" else 1
    for key in descriptor.keys:
        # Such programs add the branch and the index themselves: 0 receives, 1 keeps the change.
        usual = key.wildcard and key.branches == 2 and len(key.steps) == 1
        if not usual or (key.path_of(RECEIVE), key.path_of(CHANGE)) != ((RECEIVE,), (CHANGE,)):
            problem = "its keys do not end in /<0;1>/*"
            raise NotExportable(program=program, problem=problem)
        if key.fingerprint is None:
            problem = "a key has no origin [fingerprint/path], so no device would find it"
            raise NotExportable(program=program, problem=problem)
    if not isinstance(required, int) or not script:
        problem = f"{descriptor.outline} shows its keys in the output script"
        raise NotExportable(program=program, problem=problem)
    return PlainQuorum(tuple(script), required, descriptor.keys)


def path_text(key: KeyExpression) -> str:
    """The steps from the master key as most programs write them: m/48'/0'/0'/2'."""
    steps = (f"{s - HARDENED}'" if s >= HARDENED else str(s) for s in key.origin_path)
    return "/".join(["m", *steps])
