"""hpo: terms of an ontology."""

import logging
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told

from vesalius.datasets.collections import hpo
from vesalius.errors import InputRefused

HEAD = "format-version: 1.2\n\n"
KIDNEY = """[Term]
id: HP:0000003
name: Multicystic kidney
def: "Many \\"cysts\\" in one kidney." [HPO:curators]
synonym: "Multicystic kidneys." EXACT []
synonym: "multicystic kidney" EXACT []
synonym: "Kidney trouble" BROAD []

"""


def write(root: Path, *terms: str) -> Path:
    (root / "hp.obo").write_text(HEAD + "".join(terms) + '[Typedef]\nid: part_of\nname: part of\ndef: "No term."\n')
    return root


def test_a_term_is_defined_and_its_exact_synonyms_are_named(tmp_path):
    definition, synonym = hpo.read(write(tmp_path, KIDNEY))
    assert [turn.text for turn in definition.turns] == ['What does "Multicystic kidney" mean?', 'Many "cysts" in one kidney.']
    assert [turn.text for turn in synonym.turns] == ['What else is "Multicystic kidney" called?', "Multicystic kidneys"]
    assert definition.provenance.patient_key == synonym.provenance.patient_key
    assert definition.images == ()


def test_what_asks_nothing_is_counted_and_what_is_broken_told(tmp_path, caplog):
    terms = ["[Term]\nid: HP:0000001\nname: All\n\n", "[Term]\nid: HP:0000009\nname: Old\nis_obsolete: true\n\n"]
    terms += ["[Term]\nid: HP:0000004\n\n", '[Term]\nid: HP:0000005\nname: A\ndef: "<image:0>" []\n\n', KIDNEY]
    terms += ["[Term]\nid: GO:1\nname: other\n\n"]
    told = Told()
    with caplog.at_level(logging.WARNING):
        assert len(list(hpo.read(write(tmp_path, *terms), told.append))) == 2
    assert [(fault.code, fault.where) for fault in told] == [("record_malformed", "term 3"), ("special_token", "term 4")]
    for said in ("obsolete terms, left out: 1", "another name, left out: 1", "other ontologies, left out: 1"):
        assert said in caplog.text


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "hp.obo").write_bytes(HEAD.encode() + b"[Term]\nid: HP:0000001\nname: \xff\n")
    with pytest.raises(InputRefused):
        list(hpo.read(tmp_path))


def test_the_real_folder_has_the_published_counts(public_data: Path, caplog):
    told = Told()
    with caplog.at_level(logging.WARNING):
        samples = list(hpo.read(public_data / "hpo_ontology", told.append))
    assert Counter(sample.task for sample in samples) == {"definition": 6603, "synonym": 2980}
    left_out = 2978 + 44
    assert len({sample.provenance.patient_key for sample in samples}) + left_out == 10043
    assert told == []
