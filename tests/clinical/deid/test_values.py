import pytest

from vesalius.clinical.deid import values
from vesalius.clinical.deid.rules import MAPPED_UID, PSEUDONYM, Rules, secret_of_installation


@pytest.mark.parametrize(
    ("vr", "text", "days", "expected"),
    [
        ("DA", "20200301", -1, "20200229"),
        ("DA", "2020.03.01", -1, "20200229"),
        ("DA", "20200301\\20200302", -1, "20200229\\20200301"),
        ("DA", "20200231", -1, ""),
        ("DA", "Mr Smith", -1, ""),
        ("DA", "00010101", -400, ""),
        ("DT", "20200301101112.5+0100", -1, "20200229101112.5+0100"),
        ("DT", "202003", -31, "202002"),
        ("DT", "2020", -366, "2019"),
        ("TM", "10:11:12", -1, "101112"),
        ("TM", "101112.123456", -1, "101112.123456"),
        ("TM", "noon", -1, ""),
    ],
)
def test_dates_move_by_whole_days_and_times_stay(vr: str, text: str, days: int, expected: str) -> None:
    assert values.moved(vr, text, days) == expected


def test_of_a_text_the_known_words_stay() -> None:
    assert values.known_words("CT chest abdomen pelvis - 55F Dr. Smith") == "CT chest abdomen pelvis"
    assert values.known_words("T1w SAG 5mm Mueller 20130417") == "T1w SAG 5mm"
    assert values.known_words("Herr Meier, Hüfte") == ""


@pytest.mark.parametrize(("age", "expected"), [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("012M", "012M")])
def test_ages_above_89_are_told_as_90(age: str, expected: str) -> None:
    assert values.capped_age(age) == expected


@pytest.mark.parametrize(
    ("vr", "content", "expected"),
    [
        ("DS", b"1.5\\-2e3 ", True),
        ("DS", b"Smith", False),
        ("IS", b"12", True),
        ("CS", b"ORIGINAL\\PRIMARY", True),
        ("CS", b"Dr^Smith", False),
        ("UI", b"1.2.3\0", True),
        ("UI", b"1.2.Smith", False),
        ("AS", b"093Y", True),
        ("AS", b"Smith", False),
        ("LO", b"anything", True),
    ],
)
def test_a_name_cannot_hide_in_a_number(vr: str, content: bytes, expected: bool) -> None:
    assert values.is_well_formed(vr, content) is expected


def test_stand_ins_are_the_same_with_the_same_secret_only() -> None:
    one, same, other = Rules("aa"), Rules("aa", frozenset({"uids"})), Rules("bb")
    assert one.uid("1.2.3") == same.uid("1.2.3") != other.uid("1.2.3")
    assert one.uid("1.2.3") != one.uid("1.2.4")
    assert one.pseudonym("p") == same.pseudonym("p") != other.pseudonym("p")
    assert one.shift_days("p") == same.shift_days("p")
    assert PSEUDONYM.fullmatch(one.pseudonym("p"))
    for number in range(200):
        uid = one.uid(str(number))
        assert MAPPED_UID.fullmatch(uid)
        assert len(uid) <= 64
        assert -(365 + 3650) < one.shift_days(str(number)) <= -365


def test_the_secret_follows_from_the_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_SALT", "one")
    first = secret_of_installation()
    assert first == secret_of_installation()
    assert len(first) == 64
    monkeypatch.setenv("VESALIUS_SALT", "two")
    assert secret_of_installation() != first


def test_rules_survive_the_way_through_the_gate() -> None:
    rules = Rules("ab", frozenset({"uids", "full-dates"}), ((0, 1, 2, 3),))
    assert Rules.from_json(rules.to_json()) == rules
