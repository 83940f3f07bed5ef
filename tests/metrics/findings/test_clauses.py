from vesalius.metrics.findings.clauses import clauses, cue_phrases, phrases, sentences, state

SAID = {
    "deny": {"before": ["no", "no evidence of"], "after": ["not seen"]},
    "doubt": {"before": ["possible"], "after": ["is possible"], "either": ["versus"]},
    "aside": {"before": ["history of"]},
    "no_denial": ["no change in"],
    "stops": ["but"],
    "verbs": ["is", "are"],
    "begins_always": ["mild"],
    "begins": ["small"],
}
KNOWN = phrases([*cue_phrases(SAID), ("effusion", ("finding", "effusion")), ("mass", ("finding", "mass"))])


def states(text: str) -> list[str]:
    found = []
    for words in sentences(text):
        for clause in clauses(words, KNOWN):
            found += [state(clause, place, ["finding"]) for place, piece in enumerate(clause) if piece.of("finding")]
    return found


def test_points_in_numbers_end_no_sentence_and_case_is_folded() -> None:
    assert sentences("A 1.5 cm mass. Heart?\nNo!") == [("a", "1.5", "cm", "mass"), ("heart",), ("no",)]
    assert sentences("") == []


def test_the_longest_phrase_counts() -> None:
    assert states("no effusion") == states("no evidence of effusion") == ["absent"]
    assert states("no change in effusion") == ["present"]


def test_how_far_words_reach() -> None:
    assert states("no effusion, small mass") == ["absent", "present"]
    assert states("no effusion, small mass, or effusion") == ["absent"] * 3
    assert states("no effusion or mass") == ["absent"] * 2
    assert states("no effusion and mild mass") == ["absent", "present"]
    assert states("no effusion but mass") == ["absent", "present"]
    assert states("no effusion. mass") == ["absent", "present"]
    assert states("effusion is there and mass is not seen") == ["present", "absent"]
    assert states("effusion or mass not seen") == ["absent", "absent"]
    assert states("mass, possible effusion") == ["present", "uncertain"]
    assert states("mass versus effusion") == ["uncertain", "uncertain"]
    assert states("effusion is possible") == ["uncertain"]
    assert states("history of mass, no effusion") == ["not_mentioned", "absent"]


def test_a_word_that_denies_backwards_needs_nothing_behind_it() -> None:
    assert states("not seen before, mass") == ["present"]
