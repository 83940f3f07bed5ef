"""captions: labels of any modality → varied captions, several for each picture.

Paper:    UniMed-CLIP, arXiv:2412.10372: label datasets of six modalities become image-text pairs for one CLIP.
In:       annotated pictures with labels, or with regions whose labels are findings.
Out:      task "caption": the picture, a request for a caption, the caption; `report.findings` holds it as well, for formats of
          pairs. All findings of a picture stand in one caption; what is stated to be normal gets captions of its own; where no
          finding is stated, a caption names up to five of the structures that are marked.
Differs:  the paper lets a language model write the paraphrases; here wordings are a data file, and each caption draws one of
          them, a name for each finding and the modality, and which attributes are told. Captions of one picture are never
          the same. A picture of which nothing is stated gets none.
"""

from collections.abc import Iterable, Iterator

from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.view import View, views
from vesalius.datasets.compose.wording import Speech, draw, terms, wordings, words
from vesalius.types import Report, Sample

MOST_STRUCTURES = 5  # in one caption, of a picture of which no finding is stated
_TRIES = 20  # for a caption that the picture does not have yet


def compose(
    samples: Iterable[Sample], *, seed: int = 0, language: str = "en", per_picture: int = 3, attributes: bool = True
) -> Iterator[Sample]:
    """Caption pairs.

    Args:
        samples: annotated.
        seed: of the wordings.
        language: en, zh or ar.
        per_picture: captions for each picture; fewer where there are not so many different ones.
        attributes: tell now and then what a finding is like, where regions say so.
    """
    speech = Speech(language, seed)
    for sample in samples:
        for seen in views(sample):
            yield from _captions(seen, speech, per_picture, attributes)


def exam(seen: View, speech: Speech, kind: str = "") -> str | None:
    """What the picture is: "chest radiograph"; None for a modality without words. `kind` draws one of its names."""
    names = words()["modalities"].get(seen.image.modality or "", {}).get(speech.language)
    if not names:
        return None
    name = draw(speech.seed, seen.sample, f"exam {kind}").choice(names) if kind else names[0]
    part = part_of(seen.sample)
    said = words()["parts"].get(part or "", {}).get(speech.language)
    return name if not said else speech.fixed("exam", part=said[0], modality=name)


def part_of(sample: Sample) -> str | None:
    """The part of the body that most of the sample's labels belong to."""
    known = terms()
    parts = [known[name].part for name in [*sample.labels, *(region.label for region in sample.regions)] if name in known]
    return max(dict.fromkeys(parts), key=parts.count) if parts else None


def findings_of(sample: Sample) -> list[str]:
    """What is there: labels that are stated as present; where a sample states none at all, what its regions mark."""
    if sample.labels:
        return [label for label, state in sample.labels.items() if state == "present"]
    return list(dict.fromkeys(region.label for region in sample.regions))


def _captions(seen: View, speech: Speech, many: int, attributes: bool) -> Iterator[Sample]:
    sample, found, told = seen.sample, findings_of(seen.sample), set[str]()
    is_normal = bool(sample.labels) and all(state == "absent" for state in sample.labels.values())
    if not found and not is_normal:
        return
    for number in range(_TRIES * many):
        kind = f"{seen.index} {number}"
        name = exam(seen, speech, kind)
        named = found if sample.labels else _some(seen, found, speech, kind)
        phrases = [_finding(seen, label, speech, kind, attributes) for label in named]
        if name is None or None in phrases or len(told) == many:
            return
        text = _sentence(seen, speech, kind, name, [phrase for phrase in phrases if phrase])
        if text in told:
            continue
        told.add(text)
        talk, what = Talk(), seen.tag(f"caption {number} of {', '.join(found) or 'normal'}")
        turns = talk.turns(speech.say(sample, "caption_question", what), text)
        report = Report(text, "", speech.language)
        yield made(sample, "captions", what, task="caption", turns=turns, images=(seen.shown,), report=report)


def _some(seen: View, structures: list[str], speech: Speech, kind: str) -> list[str]:
    """At most `MOST_STRUCTURES` of what is only marked, in its order; other captions name others."""
    number = min(MOST_STRUCTURES, len(structures))
    chosen = set(draw(speech.seed, seen.sample, f"structures {kind}").sample(structures, number))
    return [label for label in structures if label in chosen]


def _sentence(seen: View, speech: Speech, kind: str, name: str, phrases: list[str]) -> str:
    """Captions vary in every split: they are what is learnt, not how something is asked."""
    fact = "caption_normal" if not phrases else "caption" if seen.sample.labels else "caption_structures"
    wording = draw(speech.seed, seen.sample, f"{fact} {kind}").choice(wordings()[fact][speech.language])
    return wording.format(exam=name, findings=speech.listed(phrases))


def _finding(seen: View, label: str, speech: Speech, kind: str, attributes: bool) -> str | None:
    """A finding by one of its names, with some of what the regions say of it; None without a word in the language."""
    random = draw(speech.seed, seen.sample, f"name {label} {kind}")
    term = speech.term(label)
    if term is None:
        return None
    also = terms()[label].also.get(speech.language, ()) if label in terms() else ()
    name = random.choice([term, *also])
    marked = seen.of(label) if attributes else []
    if len(marked) != 1 or random.random() < 0.5:
        return name
    said = [speech.attribute(*pair) for pair in marked[0].region.attributes.items()]
    told = [text for text in said if text and random.random() < 0.6]
    return f"{name} ({speech.listed(told)})" if told else name
