"""What a version changed, and which translations it left behind."""

from collections.abc import Iterator
from dataclasses import dataclass

from khazana.accord.agreement.model import Agreement, Article
from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class NotTheNextVersion(KhazanaError):
    """Two agreements that are not one version and its successor."""

    problem: str
    code = "not_the_next_version"
    words = "These are not a version and the next one: {problem}. Compare the files."


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence that changed. number: from 1; stale: languages that still say the old thing."""

    article: str
    number: int
    before: str | None
    after: str | None
    stale: tuple[str, ...]


def changes(before: Agreement, after: Agreement) -> tuple[Change, ...]:
    """Every sentence that differs in the authentic language, or in another one alone.

    A translation is stale where the authentic sentence changed and it did not. Sentences are
    compared by their place in the article.
    """
    if after.id != before.id:
        raise NotTheNextVersion(problem=f"one is {before.id}, the other {after.id}")
    if after.version != before.version + 1:
        raise NotTheNextVersion(
            problem=f"version {after.version} does not follow version {before.version}"
        )
    if after.previous != before.digest:
        raise NotTheNextVersion(
            problem=f"version {after.version} names another text as the one before"
        )
    return tuple(_changes(before, after))


def _changes(before: Agreement, after: Agreement) -> Iterator[Change]:
    old = {each.id: each for each in before.articles}
    new = {each.id: each for each in after.articles}
    for id_ in dict.fromkeys([*old, *new]):
        was, now = old.get(id_), new.get(id_)
        longest = max(_length(was, before), _length(now, after))
        for place in range(longest):
            first = _sentence(was, before.authentic, place)
            second = _sentence(now, after.authentic, place)
            unchanged = tuple(
                code
                for code in after.languages
                if _sentence(was, code, place) == _sentence(now, code, place)
            )
            if first != second or len(unchanged) != len(after.languages):
                stale = unchanged if first != second else ()
                yield Change(id_, place + 1, first, second, stale)


def _length(article: Article | None, agreement: Agreement) -> int:
    return 0 if article is None else len(article.sentences[agreement.authentic])


def _sentence(article: Article | None, language: str, place: int) -> str | None:
    if article is None or language not in article.sentences:
        return None
    found = article.sentences[language]
    return found[place] if place < len(found) else None
