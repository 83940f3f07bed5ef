"""How fast pictures are aligned with texts, and in how much memory: `python bench/align.py`.

Training against open_clip: the same sizes, the same batch in memory, fp32, two threads; forward pass, loss, backward pass and
fused AdamW. Both keep the memory that they free, as `vesalius train` does. Captions are all of full length (equal work), then of
mixed length (ours are packed, open_clip pads). Embedding of pictures of many shapes against resizing all to the largest. Each
contestant has a process of its own and all are asked in turn; a ratio is one of medians. The memory of the patch-concept loss, in
processes of their own. On a GPU, where torch sees one: pairs a second, model FLOP utilization and memory.

Prints Markdown tables and what became of each target, and writes them beside the figures as JSON. Exit 1 when contestants
disagree.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import accelerator
import loss_memory
from environment import CACHE, HERE, machine_facts, peers_python, publish
from pairs import THREADS, Sizes, folder_of
from processes import Process, in_turn, ratio
from shapes import Mix
from vesalius.train.memory import LARGEST_BYTES, MOST_BYTES

OURS, PEER = "align_vesalius", "align_open_clip"
PACKED, RESIZED = "embed_packed", "embed_resized"
FEWEST_ROUNDS = 7
BUSY = 0.5
KEEPING = {"MALLOC_MMAP_THRESHOLD_": str(LARGEST_BYTES), "MALLOC_TRIM_THRESHOLD_": str(MOST_BYTES)}
EQUAL_WORK, MIXED, MEMORY, GRADIENTS, SHAPES = 1.0, 1.3, 6.0, 1e-5, 1.5
ASIDE = "not measured: no GPU was lent"


def main() -> int:
    """Measure what the options ask for, print and write it."""
    options = _options()
    facts, cache = machine_facts(), options.cache.resolve()
    if facts["load_before"] > BUSY:
        print(f"the machine is busy (load {facts['load_before']}): timings will not mean much", file=sys.stderr)
    os.environ |= {"OMP_NUM_THREADS": str(THREADS), "HF_HUB_OFFLINE": "1", **KEEPING}
    python = peers_python(cache, "peers_align")
    result: dict[str, Any] = {"machine": facts, "rounds": options.rounds, "threads": THREADS, "training": {}}
    for kind in ("full", "mixed"):
        print(f"training, {kind} captions", file=sys.stderr)
        folder = folder_of(cache / "inputs" / "align", kind)
        contestants = {OURS: Path(sys.executable), PEER: python}
        result["training"][kind] = _compared(contestants, folder, options.rounds, Sizes.STEPS * Sizes.BATCH)
    print("embedding", file=sys.stderr)
    contestants = dict.fromkeys((PACKED, RESIZED), Path(sys.executable))
    result["embedding"] = _compared(contestants, cache, options.rounds, Mix.BATCH)
    print("memory of the loss", file=sys.stderr)
    result["loss"] = _loss()
    result["gpu"] = _gpu()
    result["targets"] = _targets(result)
    publish(result, options.out, table(result))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the peer's environment and the inputs are kept")
    parser.add_argument("--rounds", type=int, default=9, help=f"timed repetitions of each; {FEWEST_ROUNDS} at least to publish")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "align.json")
    return parser.parse_args()


def _compared(contestants: dict[str, Path], folder: Path, rounds: int, items: int) -> dict[str, Any]:
    """The first against the second: agreement on the data, then repetitions in turn, then what they say of themselves."""
    started: list[Process] = []
    try:
        for name, interpreter in contestants.items():
            started.append(Process(name, interpreter, folder).__enter__())
        ours, other = started
        if ours.ask("digest")["sha256"] != other.ask("digest")["sha256"]:
            raise SystemExit(f"{ours.name} and {other.name} were given different data: nothing was timed")
        in_turn(started, rounds)
        found: dict[str, Any] = {one.name: {**_speed(one, items), **one.figures()} for one in started}
        found[ours.name]["told"] = ours.ask("told")
        if other.name == PEER:
            found[other.name]["told"] = other.ask("told")
    finally:
        for one in started:
            one.__exit__()
    return {
        "contestants": found,
        "times_faster": ratio(other.times_s, ours.times_s),
        "processor_times_less": ratio(other.processor_s, ours.processor_s),
    }


def _speed(process: Process, items: int) -> dict[str, float]:
    return {"a_second": round(items / process.figures()["median_s"], 1)}


def _loss() -> dict[str, Any]:
    """The highest memory of each form, and by how much its gradients differ from the formula's."""
    forms: dict[str, Any] = {}
    gradients: dict[str, Sequence[torch.Tensor]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for form in loss_memory.FORMS:
            out = Path(folder) / f"{form}.pt"
            command = [sys.executable, str(HERE / "loss_memory.py"), form, str(out)]
            forms[form] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            gradients[form] = torch.load(out, weights_only=True)
    for form, found in gradients.items():
        # The largest difference over the largest gradient of the same input: patches, concepts, scale, bias.
        pairs = zip(found, gradients["formula"], strict=True)
        forms[form]["gradients_differ"] = max(float((one - true).abs().max() / true.abs().max()) for one, true in pairs)
    ours = forms["ours"]
    for one in forms.values():
        over_inputs = [each["peak_bytes"] - each["input_gradients_bytes"] for each in (one, ours)]
        one["times_ours"] = round(one["peak_bytes"] / ours["peak_bytes"], 2)
        one["times_ours_without_input_gradients"] = round(over_inputs[0] / over_inputs[1], 1)
    return forms


def _gpu() -> list[dict[str, Any]] | None:
    """Training on a GPU at each size of batch; None where torch sees none."""
    if not torch.cuda.is_available():
        return None
    print("training on the GPU", file=sys.stderr)
    return [accelerator.measured(batch, torch.device("cuda")) for batch in accelerator.BATCHES]


def _targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was found and whether that meets it."""
    full, mixed = (result["training"][kind]["times_faster"]["ratio"] for kind in ("full", "mixed"))
    formula, ours = result["loss"]["formula"], result["loss"]["ours"]
    shapes = result["embedding"]["times_faster"]["ratio"]
    memory = f"{formula['times_ours']:.1f} ×, gradients differ by {ours['gradients_differ']:.0e}"
    kept = formula["times_ours"] >= MEMORY and ours["gradients_differ"] <= GRADIENTS
    rows = [
        ("pairs a second, captions of full length", f"≥ {EQUAL_WORK:g} × open_clip", f"{full:.2f} ×", full >= EQUAL_WORK),
        ("pairs a second, captions of mixed length", f"≥ {MIXED:g} × open_clip", f"{mixed:.2f} ×", mixed >= MIXED),
        ("memory of the patch-concept loss", f"≥ {MEMORY:g} × below the formula, gradients to {GRADIENTS:g}", memory, kept),
        ("embedding of mixed shapes", f"≥ {SHAPES:g} × resizing to the largest", f"{shapes:.2f} ×", shapes >= SHAPES),
        (
            "pairs a second, utilization and memory on a GPU",
            "measured",
            "see above" if result["gpu"] else ASIDE,
            bool(result["gpu"]),
        ),
    ]
    return [dict(zip(("target", "wanted", "found", "met"), row, strict=True)) for row in rows]


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine, rounds = result["machine"], result["rounds"]
    lines = [
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['processor']}, Python {machine['python']}; "
        f"{result['threads']} threads, {rounds} rounds{'' if rounds >= FEWEST_ROUNDS else ' (too few to publish)'}, load "
        f"{machine['load_before']} before; {machine['date']}, commit {machine['commit']}.",
        "",
        *_training(result),
        *_embedding(result),
        *_loss_table(result["loss"]),
        *_gpu_table(result["gpu"]),
        "| target | wanted | found | met |",
        "|---|---|---|---|",
    ]
    for one in result["targets"]:
        met = "yes" if one["met"] else "" if one["found"] == ASIDE else "no"
        lines.append(f"| {one['target']} | {one['wanted']} | {one['found']} | {met} |")
    return "\n".join(lines)


def _training(result: dict[str, Any]) -> list[str]:
    lines = [
        f"Training: vision transformer of width {Sizes.WIDTH} with {Sizes.LAYERS} layers, {Sizes.IMAGE_PX} px in patches of "
        f"{Sizes.PATCH_PX}, and a class token; text transformer of width {Sizes.WIDTH} with {Sizes.TEXT_LAYERS} layers; batch "
        f"{Sizes.BATCH}. Captions have {Sizes.CONTEXT} tokens, or {Sizes.SHORTEST} to {Sizes.CONTEXT}, all lengths equally "
        "likely.",
        "",
        "| captions | contestant | pairs a second | median s (min–max) | processor s | parameters | GFLOP a step | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, one in result["training"].items():
        for name, figures in one["contestants"].items():
            told = figures["told"]
            sizes = f"{told['parameters']:,} | {told['gflop_a_step']:.1f} | {told['peak_mib']:.0f}"
            lines.append(f"| {kind} | {name} | {_figures(figures)} | {sizes} |")
    lines.append("")
    for kind, one in result["training"].items():
        lines.append(f"- {kind}: {_times(one)}")
    return [*lines, ""]


def _embedding(result: dict[str, Any]) -> list[str]:
    one = result["embedding"]
    told = one["contestants"][PACKED]["told"]
    lines = [
        f"Embedding: {Mix.BATCH} pictures of {told['shapes']} shapes up to {Mix.LARGEST_PX} px, sides drawn from "
        f"{Mix.FEWEST * Sizes.PATCH_PX} px on; they have {told['share_of_pixels']:.2f} of the pixels of as many of the largest. "
        "Resizing itself is not timed.",
        "",
        "| contestant | pictures a second | median s (min–max) | processor s |",
        "|---|---|---|---|",
        *(f"| {name} | {_figures(figures)} |" for name, figures in one["contestants"].items()),
        "",
        f"- {_times(one)}",
        "",
    ]
    return lines


def _figures(one: dict[str, Any]) -> str:
    return (
        f"{one['a_second']:.1f} | {one['median_s']:.2f} ({one['min_s']:.2f}–{one['max_s']:.2f}) | {one['processor_median_s']:.2f}"
    )


def _times(one: dict[str, Any]) -> str:
    wall, processor = one["times_faster"], one["processor_times_less"]
    return (
        f"ours is {wall['ratio']:.2f} times as fast ({wall['lowest']:.2f}–{wall['highest']:.2f}); the other takes "
        f"{processor['ratio']:.2f} times our processor time ({processor['lowest']:.2f}–{processor['highest']:.2f})"
    )


def _loss_table(loss: dict[str, Any]) -> list[str]:
    lines = [
        f"The patch-concept loss, {loss_memory.PICTURES} pictures of {loss_memory.PATCHES} patches with {loss_memory.CONCEPTS} "
        f"concepts, vectors of {loss_memory.WIDTH}, forward and backward pass; memory is over the inputs. `formula` has "
        "scale and bias inside the maximum, as it reads, and is what the target is about; `outside` has them after it, `leanest` "
        "remembers places.",
        "",
        "| form | peak MB | over ours, times | MB without the inputs' own gradients | over ours, times | seconds | processor s | "
        "gradients differ by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for form, one in loss.items():
        whole, without = one["peak_bytes"] / 1e6, (one["peak_bytes"] - one["input_gradients_bytes"]) / 1e6
        times = one["times_ours"], one["times_ours_without_input_gradients"]
        lines.append(
            f"| {form} | {whole:.0f} | {times[0]:.1f} | {without:.0f} | {times[1]:.1f} | {one['seconds']:.2f} | "
            f"{one['cpu_s']:.2f} | {one['gradients_differ']:.0e} |"
        )
    return [*lines, ""]


def _gpu_table(found: list[dict[str, Any]] | None) -> list[str]:
    if not found:
        return [f"On a GPU: {ASIDE}.", ""]
    lines = [
        "On a GPU: CLIP's ViT-B/16 sizes, bf16. Utilization is 3 F B / (t P): `accelerator.py` says what these are.",
        "",
        "| device | batch | in parts | pairs a second | TFLOP/s | utilization | peak GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        share = "peak of the device unknown" if one["utilization"] is None else f"{one['utilization']:.3f}"
        lines.append(
            f"| {one['device']} | {one['batch']} | {one['parts']} | {one['pairs_a_second']:.0f} | "
            f"{one['tflop_a_second']:.1f} | {share} | {one['peak_gib']:.1f} |"
        )
    return [*lines, ""]


if __name__ == "__main__":
    raise SystemExit(main())
