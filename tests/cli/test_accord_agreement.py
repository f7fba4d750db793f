"""`khazana accord agreement` and `rules`: shown, compared, signed, checked, refused."""

import pytest

from khazana.accord.agreement.shipped import shipped_agreement, shipped_agreement_bytes
from khazana.cli.main import main
from khazana.statement.office_file import write_office
from khazana.statement.times import write_instant
from tests.statement.drill import SIGNED_AT, STATEMENT_KEYS, drill_office

OFFICE = drill_office()


def run(*words) -> int:
    return main(["accord", *(str(word) for word in words)])


@pytest.fixture
def folder(tmp_path):
    """An agreement with the Drill Office as one party, its identity, and two signing keys."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    text = shipped_agreement_bytes("company_letter").decode()
    text = text.replace("test = false", "test = true").replace(
        'id = "pakistan"\nkind = "office"',
        f'id = "drill-office"\nkind = "office"\noffice = "{OFFICE.fingerprint}"',
    )
    (tmp_path / "letter.toml").write_text(text)
    (tmp_path / "office.json").write_bytes(write_office(OFFICE))
    for number, key in enumerate(STATEMENT_KEYS[:2]):
        raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{number}.pem").write_bytes(raw)
        (tmp_path / f"{number}.pem").chmod(0o600)
    return tmp_path


def signed(folder, number, *more) -> int:
    return run(
        *("agreement", "sign", folder / "letter.toml", "--party", "drill-office"),
        *("--identity", folder / "office.json", "--key", folder / f"{number}.pem"),
        *("--at", write_instant(SIGNED_AT), "--out", folder / f"{number}.json", *more),
    )


def checked(folder, *numbers, identity=True) -> int:
    words = ["agreement", "check", folder / "letter.toml"]
    for number in numbers:
        words += ["--signature", folder / f"{number}.json"]
    return run(*words, *(["--identity", folder / "office.json"] if identity else []))


def test_two_signers_apart_bind_their_office(folder, capsys):
    assert signed(folder, 0) == signed(folder, 1) == 0
    capsys.readouterr()
    assert checked(folder, 0, 1) == 0
    out = capsys.readouterr().out
    assert "test network, invented figures" in out
    assert "drill-office is bound since 2026-07-01T12:00:00Z" in out
    assert "world-liberty-financial has not signed on paper, which nothing here checks" in out


def test_one_signer_of_two_binds_nobody(folder, capsys):
    assert signed(folder, 0) == 0
    assert checked(folder, 0) == 1
    assert "1 key(s) of drill-office signed it, and it takes 2" in capsys.readouterr().out


def test_without_a_signature_the_office_is_missing(folder, capsys):
    assert checked(folder) == 2
    assert "drill-office has not signed" in capsys.readouterr().out


def test_without_the_identity_nothing_pins(folder, capsys):
    assert signed(folder, 0) == signed(folder, 1) == 0
    assert checked(folder, 0, 1, identity=False) == 1
    assert "the identity of drill-office was not given" in capsys.readouterr().out


def test_a_text_altered_after_signing_is_another_text(folder, capsys):
    assert signed(folder, 0) == signed(folder, 1) == 0
    path = folder / "letter.toml"
    path.write_text(path.read_text().replace("binding = false", "binding = true"))
    assert checked(folder, 0, 1) == 1
    assert "it is over another text" in capsys.readouterr().out


def test_a_signature_is_never_written_over(folder, capsys):
    assert signed(folder, 0) == 0
    before = (folder / "0.json").read_bytes()
    assert signed(folder, 0) == 2
    assert (folder / "0.json").read_bytes() == before


def test_a_version_is_compared_with_the_one_before(folder, capsys):
    first = folder / "letter.toml"
    assert run("agreement", "show", first) == 0
    digest = capsys.readouterr().out.partition("languages: ")[2].split()[0]
    text = first.read_text().replace("version = 1", f'version = 2\nprevious = "{digest}"')
    second = folder / "second.toml"
    second.write_text(text)
    assert run("agreement", "compare", first, second) == 0
    assert "no sentence changed" in capsys.readouterr().out
    second.write_text(text.replace("is shown as not declared", "is shown as missing"))
    assert run("agreement", "compare", first, second) == 1
    assert "did not follow: ur, ar, es" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["agreement", "show", "letter_of_intent", "--language", "fr"], 2, "not in 'fr'"),
        (["agreement", "show", "no-such-file"], 2, "no-such-file"),
        (["agreement", "compare", "letter_of_intent", "company_letter"], 2, "not a version"),
        (["rules", "--question", "tax"], 2, "no question is called 'tax'"),
        (["rules", "--on", "yesterday"], 2, "is no day such as"),
        (["rules", "--file", "no-such-file"], 2, "no-such-file"),
    ],
)
def test_wrong_arguments_are_told(words, status, said, capsys):
    assert run(*words) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
def test_the_text_is_shown_in_every_language_under_one_hash(language, capsys):
    assert run("agreement", "show", "letter_of_intent", "--language", language) == 0
    out = capsys.readouterr().out
    agreement = shipped_agreement("letter_of_intent")
    assert agreement.digest in out
    assert agreement.titles[language] in out
    assert agreement.articles[-1].sentences[language][-1] in out


def test_rules_of_a_day_and_of_all_days(capsys):
    assert run("rules", "--on", "2024-01-01") == 0
    out = capsys.readouterr().out
    assert "el-salvador, amended since 2021-09-07 until 2025-05-01" in out
    assert "el-salvador, in-force since 2025-05-01" not in out
    assert run("rules", "--question", "travel-rule") == 0
    assert "el-salvador: nothing was found" in capsys.readouterr().out


@pytest.fixture(scope="module")
def agreed(tmp_path_factory):
    """Two offices that signed a letter, entered it in their logs, and looked at each other's."""
    from tests.accord.letters import MINUTES, amended, letter, signed
    from tests.cli.accord_desk import two_desks
    from tests.reserve.simulator import NOW as SIGNED

    folder = tmp_path_factory.mktemp("agreed")
    drill, partner, blocks = two_desks(folder)
    first = letter(drill.office, partner.office)
    second = amended(first)
    for desk, party in ((drill, "pakistan"), (partner, "el-salvador")):
        assert desk.publish("--new") == 0
        for number, text in enumerate((first, second)):
            minutes = (MINUTES,) if number else ()
            made = signed(text, party, desk.office, at=SIGNED, minutes=minutes)
            file = desk.write(f"version-{number}.json", made.to_bytes())
            assert desk.publish(file) == 0
    for one, other in ((drill, partner), (partner, drill)):
        assert one.pull(other) == 0
        assert one.witness(other, blocks) == 0
    # Each takes home what the other found.
    assert drill.pull(partner) == partner.pull(drill) == 0
    path = drill.write("letter.toml", second.encode())
    return drill, partner, path


def status(agreed, *more):
    drill, partner, path = agreed
    feeds = ("--feed", drill.feed, "--feed", drill.mirror(partner))
    return run("agreement", "status", path, *feeds, *more)


def test_what_was_promised_is_computed_from_the_logs(agreed, capsys):
    assert status(agreed, "--on", "2026-01-10") == 0
    out = capsys.readouterr().out
    assert "pakistan is bound since" in out
    assert "el-salvador is bound since" in out
    assert "second-look: open, due 2026-02-01: 0 of 1 correction entries of pakistan" in out
    assert status(agreed, "--on", "2026-02-02") == 1
    assert "second-look: overdue, due 2026-02-01" in capsys.readouterr().out


def test_the_partner_verified_the_signed_agreement_and_the_log_names_it(agreed, capsys):
    drill, partner, _ = agreed
    findings = {entry.index: entry.finding for _, entry in partner.entries("verdict")}
    indexes = [index for index, _ in drill.entries("agreement")]
    assert indexes == [1, 2]
    assert [findings[index] for index in indexes] == ["verified", "verified"]
    assert run("show", drill.feed) == 0
    assert ", version 2" in capsys.readouterr().out


def test_a_day_that_is_none_is_refused(agreed, capsys):
    assert status(agreed, "--on", "soon") == 2
    assert "is no day such as" in capsys.readouterr().err


def test_a_folder_without_a_feed_is_refused(agreed, tmp_path, capsys):
    assert run("agreement", "status", agreed[2], "--feed", tmp_path) == 2
    assert "is no feed, nor a copy of one" in capsys.readouterr().err


def test_signatures_and_text_become_one_file_to_publish(folder, capsys):
    from khazana.accord.agreement.signed import read_signed_agreement

    assert signed(folder, 0) == signed(folder, 1) == 0
    out = folder / "signed.json"
    words = ["agreement", "join", folder / "letter.toml", "--out", out]
    words += [w for n in (0, 1) for w in ("--signature", folder / f"{n}.json")]
    assert run(*words) == 0
    assert "2 signatures, 0 minutes" in capsys.readouterr().out
    assert len(read_signed_agreement(out.read_bytes()).envelopes) == 2
    (folder / "minutes.txt").write_text("Of no visit in it.")
    assert run(*words, "--minutes", folder / "minutes.txt") == 2
    assert "belong to none of its visits" in capsys.readouterr().err
    (folder / "minutes.txt").write_bytes(b"\xff\xfe")
    assert run(*words, "--minutes", folder / "minutes.txt") == 2
    assert "it is not UTF-8" in capsys.readouterr().err
