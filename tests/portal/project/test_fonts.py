"""The web fonts: cut once, small, with every letter that the pages write."""

import io
from importlib import metadata

import pytest

from khazana.portal.project import fonts, messages
from khazana.portal.project.fonts import CUTS, font_faces, name_of, put_fonts, web_fonts

pytest.importorskip("fontTools")
pytest.importorskip("brotli")
TTFont = pytest.importorskip("fontTools.ttLib").TTFont


@pytest.fixture(scope="module")
def cut():
    return web_fonts()


def letters(font: bytes) -> set[int]:
    return set(TTFont(io.BytesIO(font)).getBestCmap())


def test_both_fonts_together_are_light_and_variable(cut):
    assert set(cut) == {name_of("latin"), name_of("arabic")}
    assert sum(map(len, cut.values())) < 150_000
    for raw in cut.values():
        axes = [(a.axisTag, a.minValue, a.maxValue) for a in TTFont(io.BytesIO(raw))["fvar"].axes]
        assert axes == [("wght", 400, 700)]


def test_the_same_packages_give_the_same_bytes(cut):
    assert fonts.cut_font(CUTS["arabic"]) == cut[name_of("arabic")]


def test_every_letter_of_the_catalogues_is_there(cut):
    have = letters(cut[name_of("latin")]) | letters(cut[name_of("arabic")])
    wanted: set[str] = set()
    for language in messages.LANGUAGES:
        for app in messages.apps():
            path = messages.catalogue(app, language)
            if path.exists():
                wanted |= set(path.read_text(encoding="utf-8"))
    wanted |= set("ٹڈڑںھہےگچپژکی۔،؟٪٫٬۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩áéíóúñü¿¡…–·×−")
    missing = {char for char in wanted if ord(char) not in have and not char.isspace()}
    assert {char for char in missing if not "\u2066" <= char <= "\u2069"} == set()


def test_fonts_are_put_once_and_named_only_when_ready(tmp_path):
    folder = tmp_path / "fonts"
    assert font_faces(folder, address="/fonts/") == ""
    put_fonts(folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(f"{name_of(key)}.woff2" for key in CUTS)
    sheet = font_faces(folder, address="/fonts/")
    assert sheet.count("@font-face") == 2
    assert sheet.count("font-display: swap") == 2
    before = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    put_fonts(folder)
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == before


def test_a_missing_package_leaves_the_readers_own_typefaces(tmp_path, monkeypatch, caplog):
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(fonts.metadata, "version", absent)
    put_fonts(tmp_path)
    assert "no web fonts" in caplog.text
    assert font_faces(tmp_path, address="/fonts/") == ""


@pytest.mark.django_db
def test_fonts_are_served_for_ever_and_the_sheet_is_asked_again(client, tmp_path, monkeypatch):
    from khazana.portal.project import views_fonts

    monkeypatch.setattr(views_fonts, "FOLDER", tmp_path)
    assert client.get("/fonts/faces.css").content == b""
    assert client.get(f"/fonts/{name_of('latin')}.woff2").status_code == 404
    put_fonts(tmp_path)
    sheet = client.get("/fonts/faces.css")
    assert sheet.headers["Content-Type"].startswith("text/css")
    etag = sheet.headers["ETag"]
    assert client.get("/fonts/faces.css", headers={"if-none-match": etag}).status_code == 304
    font = client.get(f"/fonts/{name_of('latin')}.woff2")
    assert font.headers["Content-Type"] == "font/woff2"
    assert "immutable" in font.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["..%2fsecret", "..", "x" * 100, "a%00b", "A_b"])
def test_no_other_file_is_served_as_a_font(client, name):
    assert client.get(f"/fonts/{name}.woff2").status_code == 404
