"""All trees of an epoch out of one extract: a section for each, and a file for each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from khazana.supervision.solvency.build import Builder, Made, build_tree
from khazana.supervision.solvency.extract import SECTION, Problems, Section, sections_of
from khazana.supervision.solvency.plan import KINDS, Asset, Plan, TreeId


def trees_in(
    extract: Path, *, assets: Mapping[str, Asset], epoch: int
) -> tuple[tuple[Section, TreeId], ...]:
    """What the heads of an extract's sections say; ExtractRefused where that cannot be.

    assets: those that may stand there, by name.
    """
    problems = Problems(extract.name)
    found: dict[str, tuple[Section, TreeId]] = {}
    for section in sections_of(extract):
        tree = _tree_of(section, assets, epoch, problems)
        if tree is None:
            continue
        if tree.name in found:
            first = found[tree.name][0].line
            problems.add(section.line, f"begins {tree.name}, which stands in line {first} too")
        found[tree.name] = (section, tree)
    problems.refuse_if_any()
    return tuple(found.values())


def _tree_of(
    section: Section, assets: Mapping[str, Asset], epoch: int, problems: Problems
) -> TreeId | None:
    cells = section.head.removeprefix(SECTION).decode("ascii", "replace").split(",")
    if not section.head.startswith(SECTION) or len(cells) != 3:
        wanted = (SECTION + b"BTC,8,liabilities").decode()
        problems.add(section.line, f"is not the head of an extract, such as {wanted!r}")
        return None
    name, scale, kind = cells
    asset = assets.get(name)
    if asset is None:
        named = ", ".join(sorted(assets))
        problems.add(section.line, f"the asset {name!r} is not among those named: {named}")
    elif scale != str(asset.scale):
        problems.add(section.line, f"{name} has {asset.scale} decimals, not {scale}")
    elif kind not in KINDS:
        problems.add(section.line, f"{kind!r} is neither of {' and '.join(KINDS)}")
    else:
        return TreeId(asset=asset, kind=kind, epoch=epoch)
    return None


def tree_file(folder: Path, name: str) -> Path:
    """Where the nodes of a tree such as `liabilities/BTC` are."""
    return folder / f"{name.replace('/', '-')}.tree.bin"


def level_file(folder: Path, name: str) -> Path:
    """Where its published level is."""
    return folder / f"{name.replace('/', '-')}.level.bin"


def build_trees(
    extract: Path,
    trees: tuple[tuple[Section, TreeId], ...],
    folder: Path,
    *,
    plan: Callable[[TreeId], Plan],
    using: Builder,
) -> dict[str, Made]:
    """Every tree by name, each in its file. What is in the folder after a refusal is no epoch."""
    made: dict[str, Made] = {}
    for section, tree in trees:
        out = tree_file(folder, tree.name)
        made[tree.name] = build_tree(extract, plan(tree), out, using=using, section=section)
    return made
