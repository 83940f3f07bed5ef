import gzip
import zlib
from io import BytesIO

import pytest
from pydicom import dcmread
from tests.clinical.deid import made

from vesalius.clinical.deid.seeds import Patterns, parts_of, seeds_of


def test_names_numbers_and_birth_dates_are_sought_at_any_depth() -> None:
    found = seeds_of(made.everywhere())
    assert {"zzcanary", "zz-8841973", "8841973", "19470913", "1947-09-13", "13.09.1947", "a-1234567", "quux"} <= found
    assert not {"qx", "q", "op", "clinic"} & found


def test_what_an_option_retains_is_not_sought() -> None:
    found = seeds_of(made.dataset(), {"institution", "device-identity"})
    assert not {"quux", "sn-99887766"} & found
    assert "zzcanary" in found


def test_short_parts_of_a_name_are_sought_together() -> None:
    assert {"li^wei", "wei li", "wei, li"} <= set(parts_of("Li^Wei"))
    assert "li" not in set(parts_of("Li^Wei"))


def test_words_that_stand_in_every_header_name_nobody() -> None:
    assert set(parts_of("Anonymous^Patient")) == set()
    assert set(parts_of("CHEST")) == set()
    assert set(parts_of("0000000")) == set()


@pytest.mark.parametrize(
    "content",
    [
        b"..ZZCanary..",
        "xZZCANARYx".encode("utf-16-le"),
        "xZzcanaryx".encode("utf-16-be"),
        b"head" + zlib.compress(b"in a stream: zzcanary") + b"tail",
        b"head" + gzip.compress(b"in a file: ZZCANARY", mtime=0),
    ],
)
def test_a_name_is_found_however_it_is_written(content: bytes) -> None:
    assert Patterns({"zzcanary", "other"}).count_deep(content) == 1
    assert Patterns({"zzkanary"}).count_deep(content) == 0


@pytest.mark.parametrize("character_set", list(made.SCRIPTS))
def test_a_name_of_any_script_is_found_in_its_own_bytes(character_set: str) -> None:
    foreign = made.foreign(character_set)
    assert Patterns(seeds_of(foreign)).count(made.written(foreign)) >= 1


def test_a_name_in_a_wrong_character_set_is_found_by_its_bytes() -> None:
    content = made.written(made.foreign("ISO_IR 126")).replace(b"ISO_IR 126", b"ISO_IR 100")
    assert Patterns(seeds_of(dcmread(BytesIO(content)))).count("Ζζκανάρυ".encode("iso8859_7")) >= 1


def test_a_number_within_a_longer_one_and_a_short_name_within_a_word_are_others() -> None:
    patterns = Patterns({"123456", "rose"})
    assert patterns.count(b"9123456") == 0
    assert patterns.count(b"(123456)") == 1
    assert patterns.count(b"necrosed prosecutor") == 0
    assert patterns.count(b"Rose^A") == 1


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = zlib.compress(bytes(2**27), 1)
    assert Patterns({"zzcanary"}).count_deep(bomb) == 0
