"""The audit log as a file: what its chain shows and what it cannot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.cli.main import main
from khazana.statement.acts import (
    Act,
    ActsRefused,
    Head,
    chained,
    read_acts,
    require_continuation,
    require_head,
    write_acts,
)

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def log(count, *, actor="amina"):
    acts = []
    for number in range(1, count + 1):
        acts.append(
            Act(
                number=number,
                at=BEGIN + timedelta(minutes=number),
                actor=actor,
                action="draft saved",
                subject="office.toml",
                detail={"sha256": f"{number:064x}"},
                **({"previous": acts[-1].digest} if acts else {}),
            )
        )
    return acts


def lines(acts):
    return list(write_acts(acts))


def test_a_log_reads_as_it_was_written():
    assert list(read_acts(lines(log(5)))) == log(5)


def test_the_digest_of_an_act_is_as_specified():
    import hashlib

    act = log(1)[0]
    said = (
        '{"action":"draft saved","actor":"amina","at":"2026-03-01T09:01:00Z",'
        '"detail":{"sha256":"' + f"{1:064x}" + '"},"number":1,"previous":"' + "0" * 64
        + '","subject":"office.toml"}'
    )  # fmt: skip
    assert act.digest == hashlib.sha256(b"khazana.act/1\n" + said.encode()).hexdigest()


@given(st.integers(0, 5), st.sampled_from(["actor", "action", "subject"]))
def test_a_changed_act_is_found_even_with_a_fresh_digest_of_its_own(position, name):
    acts = log(6)
    acts[position] = replace(acts[position], **{name: "changed"})
    if position == 5:  # nothing stands behind the last one: an older copy or a noted head shows it
        with pytest.raises(ActsRefused):
            require_continuation(log(6), read_acts(lines(acts)))
    else:
        with pytest.raises(ActsRefused) as refused:
            read_acts(lines(acts))
        assert refused.value.number == position + 2


@pytest.mark.parametrize(
    ("damage", "number"),
    [
        (lambda rows: rows[:2] + rows[3:], 3),
        (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], 2),
        (lambda rows: [*rows, rows[-1]], 4),
        (lambda rows: rows[1:], 0),
        (lambda rows: rows[:1], 0),
        (lambda rows: [], 0),
        (lambda rows: [rows[0], rows[1].replace(b"amina", b"bilal"), *rows[2:]], 1),
        (lambda rows: [rows[0], rows[1].replace(b'":"', b'": "', 1), *rows[2:]], 1),
        (lambda rows: [rows[0], rows[1].replace(b"T09:01:00Z", b"T09:01Z"), *rows[2:]], 1),
        (lambda rows: [rows[0], b"{}\n", *rows[2:]], 1),
        (lambda rows: [rows[0], b"[]\n", *rows[2:]], 1),
        (lambda rows: [rows[0], b"\xff\n", *rows[2:]], 1),
        (lambda rows: [rows[0], rows[1].replace(b'"number":1', b'"number":true'), *rows[2:]], 1),
        (lambda rows: [rows[0], rows[1].replace(b'"amina"', b"7"), *rows[2:]], 1),
        (lambda rows: [b'{"format":"khazana.audit-log/2"}\n', *rows[1:]], 0),
        (lambda rows: [*rows[:4], rows[4].rstrip()], 4),
    ],
)
def test_damage_is_named_by_the_act_where_it_is(damage, number):
    with pytest.raises(ActsRefused) as refused:
        read_acts(damage(lines(log(4))))
    assert refused.value.number == number


def test_a_log_that_was_cut_off_is_seen_by_who_kept_more():
    whole, cut = log(5), log(3)
    assert len(read_acts(lines(cut))) == 3
    with pytest.raises(ActsRefused, match="goes on to act 5"):
        require_continuation(whole, cut)
    with pytest.raises(ActsRefused, match="no act of this number"):
        require_head(cut, Head(5, whole[-1].digest))
    require_continuation(cut, whole)
    require_head(whole, Head(3, cut[-1].digest))


def test_a_log_written_anew_is_seen_by_who_kept_the_old_one():
    with pytest.raises(ActsRefused, match="says something else"):
        require_continuation(log(3), log(5, actor="bilal"))
    with pytest.raises(ActsRefused, match="its digest is not"):
        require_head(log(5, actor="bilal"), Head(3, log(3)[-1].digest))


def test_an_empty_chain_has_an_end_too():
    assert chained([]).number == 0


def test_the_command_checks_a_file_without_the_portal(tmp_path, capsys):
    new, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    new.write_bytes(b"".join(lines(log(5))))
    old.write_bytes(b"".join(lines(log(3))))
    assert main(["audit-log", str(new)]) == 0
    said = capsys.readouterr().out
    assert f"last act 5:{log(5)[-1].digest}" in said
    assert "cut off at the end are not seen" in said
    assert main(["audit-log", str(new), "--older", str(old)]) == 0
    assert main(["audit-log", str(new), "--head", f"3:{log(3)[-1].digest}"]) == 0
    assert main(["audit-log", str(old), "--older", str(new)]) != 0
    assert main(["audit-log", str(new), "--head", "3"]) == 2
    new.write_bytes(new.read_bytes().replace(b"amina", b"bilal", 1))
    assert main(["audit-log", str(new)]) != 0
    assert "not whole at act 1" in capsys.readouterr().err
