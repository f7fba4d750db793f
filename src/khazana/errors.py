"""How the outside world can be wrong: one base class, a stable code, facts as attributes."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False, kw_only=True)
class KhazanaError(Exception):
    """A situation outside the program that stops it: a silent node, a bad file, a bad signature.

    A subclass is a keyword-only dataclass: its fields are the facts. `code` is stable and names
    the situation to programs and translators; `words` is the English sentence, filled with the
    facts, that says what is wrong, where, and what to do.

    >>> @dataclass(eq=False, kw_only=True)
    ... class WellIsDry(KhazanaError):
    ...     well: str
    ...     code = "well_is_dry"
    ...     words = "{well} gives no water: use another well."
    >>> str(WellIsDry(well="North"))
    'North gives no water: use another well.'
    """

    code: ClassVar[str] = "khazana_error"
    words: ClassVar[str] = "Something outside the program is wrong."

    def facts(self) -> dict[str, Any]:
        """The facts of the situation, by name, for programs and translators."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        return self.words.format(**self.facts())

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only facts do not survive Exception's own pickling, which workers rely on.
        return _rebuild, (type(self), self.facts())


def _rebuild(kind: type[KhazanaError], facts: dict[str, Any]) -> KhazanaError:
    return kind(**facts)
