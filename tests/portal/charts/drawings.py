"""What the tests of charts ask of every drawing."""

import re
import xml.etree.ElementTree as ET

from khazana.portal.charts.svg import Look

NAMESPACE = "{http://www.w3.org/2000/svg}"
EASTERN = set("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")


def look(language="en", **changed):
    kept = {"id": "chart", "title": "Reserve", "description": "What was held", "accent": "#1d5c4b"}
    return Look(language=language, **kept | changed)


def texts(svg: str) -> list[str]:
    """The labels, without their isolates."""
    return [re.sub("[\u2066-\u2069]", "", text) for text in raw_texts(svg)]


def raw_texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{NAMESPACE}text")]


def elements(svg: str, class_: str) -> list[ET.Element]:
    """The elements of a class."""
    return [e for e in ET.fromstring(svg).iter() if class_ in e.get("class", "").split()]


def require_house_rules(svg: str) -> None:
    """Well-formed, no script, no style, a title and a description, every label isolated."""
    root = ET.fromstring(svg)
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("direction") == "ltr"
    assert root.get("role") == "img"
    named = {e.get("id") for e in root.iter() if e.get("id")}
    assert set(root.get("aria-labelledby").split()) <= named
    assert root[0].tag == f"{NAMESPACE}title"
    assert root[0].text
    assert root[1].tag == f"{NAMESPACE}desc"
    assert root[1].text
    for element in root.iter():
        assert element.tag != f"{NAMESPACE}script"
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
        assert "direction" not in element.attrib or element is root
    for text in raw_texts(svg):
        assert text[0] in "\u2066\u2067\u2068", text
        assert text[-1] == "\u2069"
        assert not EASTERN & set(text)
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in root.iter():
        for name, most in (("x", width), ("cx", width), ("y", height), ("cy", height)):
            if element.get(name) and f"{NAMESPACE}pattern" not in element.tag:
                assert -0.1 <= float(element.get(name)) <= most + 0.1, (element.tag, name)
