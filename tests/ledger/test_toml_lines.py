import tomllib

from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.toml_lines import line_of, lines_of

TRICKY = '''# [not.a.table]
"quoted key" = "a # no comment"  # a comment
site."a.b".c = 'C:\\path # x'

text = """
[inside]
x = 1 ""quoted"" \\""" end""""
other = \'\'\'
[[inside]]
\'\'\'
when = 1979-05-27 07:32:00Z
list = [ # comment with ]
  1, # one, two
  { a = [1,
         2], "b" = "}" },
  [],
]
[[wallet]]
id = "one"
[wallet.sealed]
salt = "s"
[[wallet.lane]]
lane = "a"
[[wallet.lane]]
lane = "b"
[[wallet]]
[[wallet.lane]]
lane = "c"
[top.below]
x = {}
'''


def test_every_value_of_a_tricky_text_has_its_line():
    tomllib.loads(TRICKY)
    lines = lines_of(TRICKY)
    expected = {
        ("quoted key",): "quoted key",
        ("site", "a.b", "c"): "C:",
        ("text",): 'text = """',
        ("other",): "other =",
        ("when",): "1979",
        ("list",): "list =",
        ("list", 0): "1, # one",
        ("list", 1, "a", 1): "2], ",
        ("list", 1, "b"): "2], ",
        ("list", 2): "[],",
        ("wallet", 0, "id"): '"one"',
        ("wallet", 0, "sealed", "salt"): "salt",
        ("wallet", 0, "lane", 1, "lane"): 'lane = "b"',
        ("wallet", 1, "lane", 0, "lane"): 'lane = "c"',
        ("top",): "[top.below]",
        ("top", "below", "x"): "x = {}",
    }
    numbered = TRICKY.splitlines()
    assert {path: words in numbered[lines[path] - 1] for path, words in expected.items()} == (
        dict.fromkeys(expected, True)
    )


def test_what_has_no_line_gets_that_of_what_is_around_it():
    lines = lines_of("a = 1\n\n[[w]]\nx = {y = 1}\n")
    assert line_of(lines, ("w", 0, "missing")) == 3
    assert line_of(lines, ("w", 0, "x", "missing")) == 4
    assert line_of(lines, ("missing",)) == 1


keys = st.sampled_from(["a", "b-1", '"q # ]"', "'l'", "x.y", 'z."p.q"'])
blanks = st.sampled_from(["", " ", "\n", " # c, ]}\n", "\n\n"])
scalars = st.sampled_from(
    ["1", "true", '"s"', "'#'", '"\\"]"', '"""m\n\n"q" """', "'''l\n'''", "2026-01-01", "1.5e3"]
)


@st.composite
def lists(draw, inner):
    parts = [draw(blanks) + item + draw(blanks) for item in draw(st.lists(inner, max_size=3))]
    return "[" + ",".join(parts) + draw(st.sampled_from([",", ""]) if parts else blanks) + "]"


values = st.recursive(scalars, lists, max_leaves=6)
paragraphs = st.lists(
    st.one_of(
        st.builds("{} = {} # end\n".format, keys, values),
        st.builds("[[t{}]]\n".format, st.integers(0, 2)),
        st.builds("[s{}]\n".format, st.integers(0, 9)),
        st.just("# comment\n"),
    ),
    max_size=8,
).map("".join)


def paths_of(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from paths_of(item, (*path, position))


@given(paragraphs)
def test_the_lines_cover_exactly_the_paths_that_the_library_reads(text):
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    without_index = {path[:-1] for path in lines if path and isinstance(path[-1], int)}
    assert set(lines) | {()} == set(paths_of(read)) | without_index | {()}
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
