"""The surgeon's narration of a clip, word by word, and what two recognizers make of it at a stated rate of errors."""

from collections.abc import Sequence

import numpy as np

from vesalius.phantom.bodies.surgery.story import Story
from vesalius.phantom.truth import Lesion, Transcript

_OPENING = (
    "we continue with the gallbladder",
    "here we see the liver and the gallbladder",
    "this is the view of the operating field",
)
_BY_PHASE = {
    "preparation": (
        "this is the preparation the grasper lifts the gallbladder and we expose the triangle",
        "during the preparation i hold the neck with the grasper to expose the field",
    ),
    "dissection": (
        "now the dissection with the hook we free the duct from the fat",
        "i use the hook for the dissection and clear the fat around the artery and the duct",
    ),
    "clipping": (
        "now the clipping i place the clips on the duct with the clipper",
        "the clipper comes in for the clipping and closes on the duct",
    ),
    "cutting": (
        "now the cutting the scissors divide the duct between the clips",
        "i take the scissors for the cutting and divide the duct",
    ),
    "cleaning": (
        "now the cleaning the suction clears the liver bed",
        "we use the suction for the cleaning and look at the liver bed again",
    ),
    "retrieval": (
        "now the retrieval the gallbladder goes into the bag with the grasper",
        "for the retrieval the grasper puts the gallbladder into the bag",
    ),
}
_OF_FINDING = {
    "bleeding": ("there is some bleeding here", "i see bleeding we should watch it"),
    "bile leak": ("bile comes out here this is a leak", "there is a leak of bile"),
    "adhesion": ("there is an adhesion to the fat", "an adhesion holds the gallbladder"),
    "perforation": ("there is a perforation of the wall", "the wall has a perforation"),
    "spilled stone": ("a stone lies outside", "we have lost a stone here"),
    "cholecystitis": ("the wall is inflamed and thick", "this gallbladder is thick and inflamed"),
}
_CLOSING = ("that looks good", "we go on slowly", "keep the view steady please")

# Each word with one that sounds like it and that nobody says in these narrations.
_PAIRS = """
we:wee continue:contain with:width the:thee gallbladder:goldbladder here:hear see:sea liver:lever and:hand this:diss is:his
view:few of:off operating:separating field:yield preparation:reparation grasper:grouper lifts:lists expose:exposed
triangle:tangle during:touring i:eye hold:old neck:deck to:too now:how dissection:direction hook:book free:three duct:duck
from:form fat:vat use:youth for:four clear:gear around:ground artery:battery clipping:clapping place:plays clips:lips on:own
clipper:slipper comes:combs in:inn closes:clothes cutting:coating scissors:sensors divide:provide between:betray take:tick
cleaning:leaning suction:section clears:gears bed:bet look:luck at:hat again:gain retrieval:revival goes:grows into:unto
bag:back puts:pots there:their some:sum bleeding:breeding should:shoot watch:wash it:eat bile:pile out:owed a:uh leak:leek
an:Ann adhesion:cohesion holds:folds perforation:performation wall:ball has:hass stone:tone lies:lice outside:upside
have:halve lost:last inflamed:informed thick:sick that:hat's looks:lugs good:hood go:goal slowly:lowly keep:keeps
steady:study please:peas
"""
_SOUNDS = dict(pair.split(":") for pair in _PAIRS.split())
_FILLERS = ("um", "er", "like", "so", "okay", "ah", "yeah", "hm")


def narrate(rng: np.random.Generator, story: Story, lesions: Sequence[Lesion], frames: int) -> Transcript:
    """What is said, without error: the phases as they come, then what is wrong."""
    spoken = [(0.0, _OPENING[int(rng.integers(len(_OPENING)))])]
    for phase, begin, _ in story.spans():
        said = _BY_PHASE[phase]
        spoken.append((begin + 0.1, said[int(rng.integers(len(said)))]))
    choice = {name: int(rng.integers(len(said))) for name, said in _OF_FINDING.items()}
    for number, finding in enumerate(dict.fromkeys(lesion.finding for lesion in lesions)):
        spoken.append((0.62 + 0.1 * number, _OF_FINDING[finding][choice[finding]]))
    spoken.append((0.93, _CLOSING[int(rng.integers(len(_CLOSING)))]))
    spoken.sort(key=lambda item: item[0])
    words: list[str] = []
    places: list[int] = []
    ends = [begin for begin, _ in spoken[1:]] + [1.0]
    for (begin, sentence), end in zip(spoken, ends, strict=True):
        said_words = sentence.split()
        for number, word in enumerate(said_words):
            words.append(word)
            places.append(min(int((begin + (end - begin) * number / len(said_words)) * frames), frames - 1))
    return Transcript(tuple(words), tuple(places), 0.0)


def misheard(rng: np.random.Generator, true: Transcript, rate: float, *, drops: bool) -> Transcript:
    """The narration as a recognizer heard it, with exactly round(rate x words) errors by Levenshtein's distance.

    Args:
        rng: draws where the errors are.
        true: what was said.
        rate: share of its words that are wrong, 0 to 0.6.
        drops: the recognizer mishears and drops words; else it mishears words and hears some that nobody said.

    A word that was never said costs one error each, and so does each word too few or too many, so a transcript that has only
    one of the two kinds beside the misheard words is as far from the truth as it has errors.
    """
    count = len(true.words)
    errors = min(round(rate * count), count)
    substituted = round(errors * 0.6)
    chosen = [int(index) for index in rng.permutation(count)[:errors]]
    wrong, other = set(chosen[:substituted]), set(chosen[substituted:])
    words: list[str] = []
    frames: list[int] = []
    for index, (word, frame) in enumerate(zip(true.words, true.frames, strict=True)):
        if index in other and drops:
            continue
        if index in other:
            words.append(_FILLERS[index % len(_FILLERS)])
            frames.append(frame)
        words.append(_SOUNDS[word] if index in wrong else word)
        frames.append(frame)
    return Transcript(tuple(words), tuple(frames), errors / count)
