"""The pages' typefaces, cut from the font packages down to what the four languages write.

No font lies in the repository: `serve` cuts them once into the portal's folder, in the background.
Until they are there, and where the packages are missing, pages use the reader's own typefaces.
"""

import hashlib
import io
import logging
import os
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Final

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cut:
    """What of a package's font goes into a web font."""

    family: str
    package: str
    file: str
    ranges: tuple[tuple[int, int], ...]

    @property
    def css_range(self) -> str:
        return ", ".join(f"U+{first:04X}-{last:04X}" for first, last in self.ranges)


WEIGHTS: Final = (400, 700)
CUTS: Final = {
    "latin": Cut(
        "Khazana Latin",
        "fontpkg-noto-sans",
        "NotoSans[wdth,wght].ttf",
        # Latin with Spanish, punctuation, currencies, the minus sign; it has no arrows.
        ((0x0020, 0x007E), (0x00A0, 0x017F), (0x2010, 0x203A), (0x20A0, 0x20BF), (0x2212, 0x2212)),
    ),
    "arabic": Cut(
        "Khazana Arabic",
        "fontpkg-noto-sans-arabic",
        "NotoSansArabic[wdth,wght].ttf",
        # Arabic with the letters of Urdu and its neighbours, and the signs ﷺ to ﷼.
        ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFDFA, 0xFDFD)),
    ),
}  # fmt: skip
_JOINERS: Final = (0x200C, 0x200D, 0x200E, 0x200F, 0x25CC)
_FEATURES: Final = ("*",)


def web_fonts() -> dict[str, bytes]:
    """Every web font as WOFF2 with weights 400 to 700, by the name it is served under."""
    return {name_of(key): cut_font(cut) for key, cut in CUTS.items()}


def cut_font(cut: Cut) -> bytes:
    """One web font; the glyphs are chosen first, for interpolating 4,000 of them takes long."""
    from fontTools import subset  # type: ignore[import-untyped]  # only where fonts are cut
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
    from fontTools.varLib import instancer  # type: ignore[import-untyped]

    package = resources.files(cut.package.replace("-", "_"))
    font = TTFont(io.BytesIO(package.joinpath("files", cut.file).read_bytes()))
    font.recalcTimestamp = False  # the same font gives the same bytes
    options = subset.Options()
    options.layout_features = list(_FEATURES)
    options.hinting = False
    options.desubroutinize = True
    cutter = subset.Subsetter(options)
    wanted = [code for first, last in cut.ranges for code in range(first, last + 1)]
    cutter.populate(unicodes=[*wanted, *_JOINERS])
    cutter.subset(font)
    font = instancer.instantiateVariableFont(font, {"wdth": 100, "wght": WEIGHTS})
    font.flavor = "woff2"
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def name_of(key: str) -> str:
    """A name that changes whenever the font would, so that browsers may keep it for ever."""
    cut = CUTS[key]
    recipe = f"{metadata.version('fonttools')} {WEIGHTS} {cut.css_range} {_FEATURES}"
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    return f"{key}-{metadata.version(cut.package)}-{digest}"


def put_fonts(folder: Path) -> None:
    """Cut the fonts that the folder does not have yet; a reader never sees half a file.

    Where a package is missing pages keep the reader's own typefaces; the log says so.
    """
    try:
        _put_fonts(folder)
    except (ImportError, metadata.PackageNotFoundError, OSError) as error:
        LOG.warning("no web fonts: %s", error)


def _put_fonts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key, cut in CUTS.items():
        path = folder / f"{name_of(key)}.woff2"
        if path.exists():
            continue
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(cut_font(cut))
        part.replace(path)


def font_faces(folder: Path, *, address: str) -> str:
    """The style sheet that names the fonts which are ready; empty while none is."""
    faces = []
    for key, cut in CUTS.items():
        try:
            name = name_of(key)
        except metadata.PackageNotFoundError:
            continue
        if (folder / f"{name}.woff2").exists():
            faces.append(
                f'@font-face {{ font-family: "{cut.family}"; font-display: swap; '
                f"font-weight: {WEIGHTS[0]} {WEIGHTS[1]}; "
                f'src: url("{address}{name}.woff2") format("woff2"); '
                f"unicode-range: {cut.css_range}; }}\n"
            )
    return "".join(faces)
