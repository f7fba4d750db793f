"""The few SVG elements that charts need, escaped and with labels that keep their direction."""

import html
import re
from dataclasses import dataclass, field
from typing import Final

from khazana.portal.formatting.bidi import SafeText, isolate, isolate_name, isolate_rtl
from khazana.portal.formatting.languages import is_rtl

INK: Final = "#1f2421"
QUIET: Final = "#5b635f"
RULE: Final = "#d5d9d6"
FONT: Final = "Noto Sans, Amiri, sans-serif"

_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True)
class Look:
    """The identity of a chart on its page, its language and the office's accent colour.

    id: unique on the page; the chart's own parts carry it as a prefix.
    title, description: for people who do not see the drawing.
    """

    id: str
    title: str
    description: str
    language: str
    accent: str = "#1d5c4b"

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is not an id: a letter, then letters, digits, - or _")
        if not _COLOUR.fullmatch(self.accent):
            raise ValueError(f"{self.accent!r} is not a colour like #1d5c4b")
        if not self.title or not self.description:
            raise ValueError("a chart says its title and description")

    @property
    def rtl(self) -> bool:
        return is_rtl(self.language)

    def words(self, text: str) -> str:
        """Translated words: isolated in the direction of the language."""
        return isolate_rtl(text) if self.rtl else isolate(text)


@dataclass
class Drawing:
    """An SVG under construction."""

    look: Look
    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def add(self, name: str, content: str = "", /, **attributes: str | int | float) -> None:
        """An element. `content` is markup; attribute values are escaped; `_` stands for `-`."""
        written = "".join(
            f' {key.rstrip("_").replace("_", "-")}="{html.escape(_number(value))}"'
            for key, value in attributes.items()
        )
        end = f">{content}</{name}>" if content else "/>"
        self.parts.append(f"<{name}{written}{end}")

    def text(
        self,
        x: float,
        y: float,
        label: str,
        *,
        class_: str = "label",
        anchor: str = "start",
        size: int = 13,
        fill: str = INK,
        weight: str = "normal",
    ) -> None:
        """A label that is isolated already."""
        self.add(
            "text",
            html.escape(label),
            x=x,
            y=y,
            class_=class_,
            text_anchor=anchor,
            font_size=size,
            fill=fill,
            font_weight=weight,
        )

    def words(self, x: float, y: float, label: str, **how: str | int) -> None:
        """Translated words or an office's own."""
        self.text(x, y, self.look.words(label), **how)  # type: ignore[arg-type]

    def name(self, x: float, y: float, label: str, **how: str | int) -> None:
        """Somebody's name, in its own direction."""
        self.text(x, y, isolate_name(label), **how)  # type: ignore[arg-type]

    def figure(self, x: float, y: float, label: str, **how: str | int) -> None:
        """A number with its unit, left to right everywhere."""
        self.text(x, y, isolate(label), **how)  # type: ignore[arg-type]

    def line(self, x1: float, y1: float, x2: float, y2: float, *, class_: str = "rule") -> None:
        colour = RULE if class_ == "rule" else INK
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_, stroke=colour)

    def patterns(self, count: int) -> None:
        """Fills that differ in shape, as `fill(0)` … `fill(count - 1)`."""
        accent = self.look.accent
        drawn = []
        for number in range(count):
            opacity = _OPACITY[number % len(_OPACITY)]
            base = f'<rect width="8" height="8" fill="{accent}" fill-opacity="{opacity}"/>'
            drawn.append(
                f'<pattern id="{self.look.id}-fill-{number}" class="pattern" width="8" height="8" '
                f'patternUnits="userSpaceOnUse">{base}{_MARKS[number % len(_MARKS)].format(accent)}'
                "</pattern>"
            )
        self.parts.append(f"<defs>{''.join(drawn)}</defs>")

    def fill(self, number: int) -> str:
        return f"url(#{self.look.id}-fill-{number})"

    def svg(self, *, class_: str, stretched: bool = False) -> SafeText:
        """The finished drawing. `direction` on the root keeps anchors where they were computed.

        stretched: it takes the size that the style sheet gives it, whatever its proportions.
        """
        stretch = 'preserveAspectRatio="none" ' if stretched else ""
        look = self.look
        title, description = look.words(look.title), look.words(look.description)
        return SafeText(
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{look.id}" class="chart {class_}" '
            f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" {stretch}role="img" direction="ltr" font-family="{FONT}" '
            f'aria-labelledby="{look.id}-title {look.id}-desc">'
            f'<title id="{look.id}-title">{html.escape(title)}</title>'
            f'<desc id="{look.id}-desc">{html.escape(description)}</desc>'
            f"{''.join(self.parts)}</svg>"
        )


_OPACITY: Final = ("0.85", "0.15", "0.35", "0.08")
_MARKS: Final = (
    "",
    '<path d="M0 8L8 0M-2 2L2 -2M6 10L10 6" stroke="{}" stroke-width="1.4"/>',
    '<circle cx="4" cy="4" r="1.5" fill="{}"/>',
    '<path d="M0 0L8 8M-2 6L2 10M6 -2L10 2M0 8L8 0M-2 2L2 -2M6 10L10 6" stroke="{}" '
    'stroke-width="0.9"/>',
    '<path d="M0 4H8" stroke="{}" stroke-width="1.4"/>',
    '<path d="M4 0V8" stroke="{}" stroke-width="1.4"/>',
)


def _number(value: str | int | float) -> str:
    """Coordinates to a tenth of a pixel, so that the same values give the same file."""
    if isinstance(value, float):
        # Adding zero turns -0.0 into 0.0.
        return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")
    return str(value)
