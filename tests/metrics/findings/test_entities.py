import pytest

from vesalius.metrics.findings.entities import facts


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            "Small left pleural effusion.",
            {
                ("effusion", "observation present"),
                ("pleura", "anatomy"),
                ("effusion", "observation present", "located_at", "pleura"),
                ("small", "modifier", "modify", "effusion"),
                ("left", "modifier", "modify", "pleura"),
            },
        ),
        (
            "No pneumothorax or large pleural effusion.",
            {
                ("pneumothorax", "observation absent"),
                ("effusion", "observation absent"),
                ("pleura", "anatomy"),
                ("effusion", "observation absent", "located_at", "pleura"),
                ("large", "modifier", "modify", "effusion"),
            },
        ),
        (
            "Heart and mediastinum are within normal limits.",
            {
                ("heart", "anatomy"),
                ("mediastinum", "anatomy"),
                ("normal", "observation present"),
                ("normal", "observation present", "located_at", "heart"),
                ("normal", "observation present", "located_at", "mediastinum"),
            },
        ),
        (
            "Possible patchy opacity in the right lower lobe.",
            {
                ("opacity", "observation uncertain"),
                ("lobe", "anatomy"),
                ("opacity", "observation uncertain", "located_at", "lobe"),
                ("patchy", "modifier", "modify", "opacity"),
                ("right", "modifier", "modify", "lobe"),
                ("lower", "modifier", "modify", "lobe"),
            },
        ),
        ("", set()),
        ("Comparison is made with an earlier study.", set()),
    ],
)
def test_facts_of_a_sentence(report: str, expected: set[tuple[str, ...]]) -> None:
    assert facts(report) == expected


def test_plural_and_adjective_are_the_same_entity_and_order_of_sentences_does_not_matter() -> None:
    assert facts("Pulmonary opacities.") == facts("Lung opacity.")
    assert facts("No effusion. The heart is enlarged.") == facts("The heart is enlarged. No effusion.")


def test_a_denied_observation_is_another_fact() -> None:
    assert not {fact for fact in facts("No effusion.") & facts("Effusion.") if fact[0] == "effusion"}
