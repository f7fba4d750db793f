"""Collecting the portal's words for translation, and keeping the catalogues in step.

`python -m khazana.portal.project.messages` brings every app's catalogues up to date: new words come
in empty, words that are gone go out, and the compiled catalogues are written again.
"""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PORTAL = Path(__file__).resolve().parent.parent
LANGUAGES = ("ur", "ar", "es")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLURAL_FORMS = {
    "ur": "nplurals=2; plural=(n != 1);",
    "ar": (
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5);"
    ),
    "es": "nplurals=3; plural=(n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2);",
}
"""As Django's own catalogues count, so that both agree."""


def apps() -> Iterator[Path]:
    """The folders with words of their own: each app that has templates or a `locale` folder."""
    for folder in sorted(path for path in PORTAL.iterdir() if path.is_dir()):
        if (folder / "apps.py").exists():
            yield folder


def words_of(app: Path) -> Catalog:
    """Every message of an app's templates and modules, with the files that say it."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for path in sorted((*app.rglob("*.py"), *app.rglob("*.html"), *app.rglob("*.xml"))):
        source = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            code = templatize(source, origin=str(path))
            source = "\n".join(line.lstrip() for line in code.splitlines())
        found = extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS)
        for _line, message, comments, context in found:
            catalog.add(
                message,
                locations=[(path.relative_to(app).as_posix(), None)],  # type: ignore[list-item]
                auto_comments=comments,
                context=context,
            )
    return catalog


def catalogue(app: Path, language: str) -> Path:
    return app / "locale" / language / "LC_MESSAGES" / "django.po"


def read_catalogue(path: Path, language: str) -> Catalog:
    """A catalogue with its translations; an empty one where there is none yet."""
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def in_step(app: Path, language: str) -> Catalog:
    """The app's words now, with the translations that its catalogue has for them."""
    present = read_catalogue(catalogue(app, language), language)
    made = Catalog(locale=language, charset="utf-8", fuzzy=False)
    # Babel counts two forms of Spanish where Django counts three.
    made.mime_headers = [("Plural-Forms", PLURAL_FORMS[language])]
    for message in words_of(app):
        if not message.id:
            continue
        known = present.get(_plain_id(message), message.context)
        made.add(
            message.id,
            known.string if known is not None else None,
            locations=message.locations,
            context=message.context,
        )
    return made


def _plain_id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def header(language: str) -> list[tuple[str, str]]:
    """What a catalogue says of itself: no times and no versions, so that the same words give the
    same bytes anywhere.
    """
    return [
        ("Language", language),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Plural-Forms", PLURAL_FORMS[language]),
    ]


def po_bytes(made: Catalog, language: str) -> bytes:
    """The catalogue as a file."""
    written = io.BytesIO()
    write_po(written, made, width=100, omit_header=True, sort_output=True, include_lineno=False)
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in header(language))
    return f'msgid ""\nmsgstr ""\n{lines}\n'.encode() + written.getvalue().strip() + b"\n"


def mo_bytes(po: bytes, language: str) -> bytes:
    """The compiled catalogue."""
    read = read_po(io.BytesIO(po), locale=language, charset="utf-8")
    compiled = io.BytesIO()
    write_mo(compiled, _Timeless(read, language))
    return compiled.getvalue()


class _Timeless(Catalog):
    """A catalogue whose header is ours, where Babel's own says when it was written."""

    def __init__(self, read: Catalog, language: str) -> None:
        super().__init__(locale=language, charset="utf-8", fuzzy=False)
        self._said, self._language = read, language

    def __iter__(self) -> Iterator[Message]:
        yield Message("", "\n".join(f"{key}: {value}" for key, value in header(self._language)))
        yield from (message for message in self._said if message.id)


def main() -> int:
    missing = 0
    for app in apps():
        for language in LANGUAGES:
            made = in_step(app, language)
            if not len(made):
                continue
            path = catalogue(app, language)
            path.parent.mkdir(parents=True, exist_ok=True)
            po = po_bytes(made, language)
            path.write_bytes(po)
            path.with_suffix(".mo").write_bytes(mo_bytes(po, language))
            empty = sum(not _is_translated(message) for message in made if message.id)
            missing += empty
            print(f"{app.name}/{language}: {len(made)} messages, {empty} to translate")
    return 1 if missing else 0


def _is_translated(message: Message) -> bool:
    strings = (message.string,) if isinstance(message.string, str) else message.string or ()
    return bool(strings) and all(strings)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khazana.portal.project.settings_bare")
    sys.exit(main())
