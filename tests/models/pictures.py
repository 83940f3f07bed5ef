"""Pictures, volumes and clips of several sizes, and texts of several lengths, made from a seed."""

import torch

from vesalius.models.pairs import Pictures, Texts

NAN = float("nan")
# Two pictures, a volume of three slices, a clip of four frames, and a picture of as many patches as the second.
SHAPES = ((1, 3, 64, 64), (1, 3, 64, 96), (3, 3, 64, 64), (4, 3, 32, 32), (1, 3, 96, 64))
SPACING_MM = ((NAN, 0.5, 0.5), (NAN, NAN, NAN), (5.0, 0.7, 0.7), (4.0, 0.4, 0.4), (NAN, 0.2, 0.3))


def pictures(*chosen: int) -> Pictures:
    """Those of `SHAPES` with these places; all of them without any."""
    torch.manual_seed(7)
    pixels = [torch.rand(shape) for shape in SHAPES]
    places = list(chosen or range(len(SHAPES)))
    return Pictures(tuple(pixels[place] for place in places), torch.tensor(SPACING_MM)[places])


def texts(*lengths: int, vocabulary: int = 40) -> Texts:
    """Texts of these lengths; the first ones of two calls agree as long as their lengths do."""
    torch.manual_seed(8)
    return Texts(torch.randint(0, vocabulary, (sum(lengths),)), lengths)


def one_text(all_of: Texts, place: int) -> Texts:
    """One of several texts, alone."""
    return Texts(torch.split(all_of.ids, all_of.lengths)[place], (all_of.lengths[place],))
