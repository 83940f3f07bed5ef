from vesalius.metrics.texts.words import words


def test_words_are_runs_of_letters_and_digits_in_folded_case() -> None:
    assert words("No X-ray of T1_w, 1.5 T!") == ["no", "x", "ray", "of", "t1", "w", "1", "5", "t"]


def test_each_character_of_chinese_is_a_word_and_marks_belong_to_theirs() -> None:
    assert words("右肺 CT正常") == ["右", "肺", "ct", "正", "常"]
    assert words("दिल का आकार") == ["दिल", "का", "आकार"]
    assert words("الصَّدر طبيعي") == ["الصَّدر", "طبيعي"]
