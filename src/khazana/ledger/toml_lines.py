"""On which line of a TOML text each value stands, so that an error can name it."""

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys and list positions from the top: ("wallet", 0, "addresses", 3)."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_COMMENT = re.compile(r"#[^\n]*")
_SPACES = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}", re.DOTALL)
_OTHER = re.compile(r"[^,\]}\n#]+")


def lines_of(text: str) -> Mapping[Path, int]:
    """The line (from 1) of every key and list element of a valid TOML text.

    >>> lines_of('[[wallet]]\\nid = "cold"\\naddresses = [\\n  "a",\\n  "b",\\n]')[
    ...     ("wallet", 0, "addresses", 1)]
    5
    """
    walker = _Walker(text)
    walker.document()
    return walker.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a value, or of the nearest thing around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def comments_of(text: str) -> tuple[tuple[int, str], ...]:
    """The line (from 1) and the words of every comment of a valid TOML text, in order.

    >>> comments_of('''a = "# no" # yes
    ... # and this''')
    ((1, '# yes'), (2, '# and this'))
    """
    walker = _Walker(text)
    walker.document()
    return tuple((text.count("\n", 0, at) + 1, words) for at, words in walker.comments)


class _Walker:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.counted = 0
        self.lines: dict[Path, int] = {}
        self.last_index: dict[Path, int] = {}
        self.comments: list[tuple[int, str]] = []

    def note(self, path: Path) -> None:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        self.lines.setdefault(path, self.line)

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"unexpected text at character {self.at}: was the TOML checked?")
        if pattern is _BLANK:  # nowhere else can a comment stand
            for comment in _COMMENT.finditer(self.text, self.at, found.end()):
                self.comments.append((comment.start(), comment.group().rstrip()))
        self.at = found.end()
        return found.group()

    def looking_at(self, prefix: str) -> bool:
        return self.text.startswith(prefix, self.at)

    def document(self) -> None:
        table: Path = ()
        while self.skip(_BLANK) is not None and self.at < len(self.text):
            if self.looking_at("["):
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        start = self.at
        many = self.looking_at("[[")
        self.at += 2 if many else 1
        keys = self.keys()
        self.at += 2 if many else 1
        around: list[Path] = []
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            around.append(path)
            if many and position == len(keys) - 1:
                self.last_index[path] = self.last_index.get(path, -1) + 1
            if path in self.last_index:
                path = (*path, self.last_index[path])
        end, self.at = self.at, start
        for step in (*around, path):
            self.note(step)
        self.at = end
        return path

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACES)
            if self.looking_at('"'):
                keys.append(self.skip(_BASIC)[1:-1])
            elif self.looking_at("'"):
                keys.append(self.skip(_LITERAL)[1:-1])
            else:
                keys.append(self.skip(_BARE_KEY))
            self.skip(_SPACES)
            if not self.looking_at("."):
                return keys
            self.at += 1

    def pair(self, table: Path) -> None:
        start = self.at
        keys = self.keys()
        end, self.at = self.at, start
        for length in range(1, len(keys) + 1):
            self.note((*table, *keys[:length]))
        self.at = end + 1  # past the "="
        self.skip(_SPACES)
        self.value((*table, *keys))

    def value(self, path: Path) -> None:
        for opening, pattern in (
            ('"""', _LONG_BASIC),
            ("'''", _LONG_LITERAL),
            ('"', _BASIC),
            ("'", _LITERAL),
        ):
            if self.looking_at(opening):
                self.skip(pattern)
                return
        if self.looking_at("["):
            self.at += 1
            position = 0
            while self.skip(_BLANK) is not None and not self.looking_at("]"):
                self.note((*path, position))
                self.value((*path, position))
                position += 1
                self.comma()
            self.at += 1
        elif self.looking_at("{"):
            self.at += 1
            while self.skip(_BLANK) is not None and not self.looking_at("}"):
                self.pair(path)
                self.comma()
            self.at += 1
        else:
            self.skip(_OTHER)

    def comma(self) -> None:
        self.skip(_BLANK)
        if self.looking_at(","):
            self.at += 1
