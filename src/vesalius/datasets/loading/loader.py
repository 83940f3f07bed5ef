"""Batches of decoded samples from stored datasets: shuffled, shared among ranks, decoded by workers, gone on with to the sample.

What is trusted: nothing. A media file is hashed when a loader first reads it, and again whenever its inode, size or times are
others, and refused unless its name is its hash; at an address always. It is decoded in the loader's own workers, which stand
behind the gate's walls (`worker.py`), because a name that fits a content does not say who made it.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.datasets.faults import Fault, Tell
from vesalius.datasets.loading.cache import Disk, Memory
from vesalius.datasets.loading.crew import Crew, Job, arrays_of, jobs_of, together
from vesalius.datasets.loading.cut import WHOLE, Cut, Taken
from vesalius.datasets.loading.index import Index, Listed, Picture
from vesalius.datasets.loading.opening import File, Opening
from vesalius.datasets.loading.order import Numbers, Order
from vesalius.datasets.store.places import Root
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Array, Sample

FILES_AT_ONCE, BYTES_AT_ONCE = 96, 1 << 25  # of one job, at most; a larger file is one of its own
IN_FLIGHT = 768  # open files that are on their way to workers; systems allow a user about a thousand


@dataclass(frozen=True, eq=False)
class Loaded:
    """A batch.

    Attributes:
        numbers: of the samples, among all of the loader.
        keys: of the samples.
        taken: of each sample, which part of each picture that is.
    """

    numbers: Numbers
    keys: tuple[str, ...]
    taken: tuple[tuple[Taken, ...], ...]
    _index: Index
    _held: Array | tuple[tuple[Array, ...], ...]  # all as one (B, …) where there is one of each and they lie at one step

    @cached_property
    def arrays(self) -> tuple[tuple[Array, ...], ...]:
        """Of each sample those of its pictures, in its order: the stored values, or what was cut out of them.

        They lie in memory that is used again once nothing refers to them; a cached one is read-only.
        """
        held = self._held
        return held if isinstance(held, tuple) else tuple([(held[at, ...],) for at in range(len(held))])

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The samples, made of their rows when they are first asked for; whole pictures of theirs are those that were decoded."""
        return tuple(self._sample(at) for at in range(len(self.numbers)))

    @property
    def stacked(self) -> Array:
        """(B, …): the first picture of every sample, without a copy where they lie at one step from each other.

        Raises:
            ValueError: a sample has no picture, or their shapes differ.
        """
        return np.stack([arrays[0] for arrays in self._held]) if isinstance(self._held, tuple) else self._held

    def _sample(self, at: int) -> Sample:
        sample = self._index.sample(int(self.numbers[at]))
        images = []
        for shown, array, taken in zip(sample.images, self.arrays[at], self.taken[at], strict=True):
            whole = taken.slices is None and taken.box_yxyx_px is None
            image = replace(shown.image, load=partial(np.asarray, array), load_part=None) if whole else shown.image
            images.append(replace(shown, image=image))
        return replace(sample, images=tuple(images))


class Loader:
    """Batches of one epoch after another: `for batch in loader` gives what is left of the present epoch.

    Memory is bounded: `ahead` batches a worker are decoded before they are asked for, and those that the caller still holds.
    """

    def __init__(
        self,
        roots: Root | Sequence[Root],
        *,
        batch: int,
        seed: int = 0,
        is_shuffled: bool = True,
        split: str | None = None,
        tasks: Collection[str] | None = None,
        rank: int = 0,
        ranks: int = 1,
        workers: int = 2,
        ahead: int = 2,
        cut: Cut | None = None,
        length: Callable[[Sample], int] | None = None,
        budget: int | None = None,
        is_packed: bool = False,
        cache: Memory | Disk | None = None,
        tell: Tell | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Read the manifests; workers start with the first batch.

        Args:
            roots: folders of stored datasets, or addresses of them.
            batch: samples of a batch, at most.
            seed: of the order and of what is cut.
            is_shuffled: anew in each epoch.
            split: only samples of this one.
            tasks: only samples of these.
            rank: of this process among `ranks`, which share each epoch.
            ranks: processes; each gives as many batches as the others.
            workers: processes that decode, 1 or more.
            ahead: jobs of each worker that are under way before they are asked for, 1 or more.
            cut: the part of each picture that is shown; None: all of it.
            length: tokens or patches of a sample, from what its row says: samples of like length come together.
            budget: with `length`: the most that a batch may hold, see `Order`.
            is_packed: with `length`: lengths of a batch add up to the budget, instead of being filled up to the longest.
            cache: keeps decoded pictures; not with a cut.
            tell: takes a fault for each sample whose files are damaged, which its batch then lacks; without it the first one ends
                the loading.
            state: of a loader over the same samples with the same options: this one gives the very next batch.

        Raises:
            UsageError: `bad_option`.
            InputRefused: `bad_dataset`, `empty_split`, `resume_mismatch`.
        """
        if min(batch, workers, ahead, ranks) < 1 or not 0 <= rank < ranks:
            raise UsageError("bad_option", "batch, workers, ahead and ranks are 1 or more, and rank is below ranks. Mend them.")
        if (budget is not None or is_packed) and length is None:
            raise UsageError(
                "bad_option", "A budget is of lengths, and nothing says how long a sample is. Give `length` as well."
            )
        if cut is not None and cache is not None:
            raise UsageError("bad_option", "What is cut differs in each epoch and is not kept. Leave the cut or the cache out.")
        listed: Sequence[Root] = [roots] if isinstance(roots, str | Path) else roots
        self.index = Index(listed, split, tasks)
        lengths = None if length is None else self.index.lengths(length)
        self.order = Order(seed, is_shuffled, batch, lengths, budget, is_packed, ranks)
        self._opening, self._is_caching = Opening(self.index.files, cache), cache is not None
        self._rank, self._workers, self._ahead, self._cut, self._tell = rank, workers, ahead, cut, tell
        said = [self.index.sha256, seed, is_shuffled, batch, budget, is_packed, ranks, repr(cut)]
        said.append("" if lengths is None else sha256(lengths.tobytes()).hexdigest())
        self._made_of = sha256(repr(said).encode()).hexdigest()
        self._epoch = self._given = 0
        if state is not None:
            self._go_on(state)
        self._plan: tuple[int, list[Numbers]] | None = None
        self._crew: Crew | None = None

    def __len__(self) -> int:
        """Batches of the present epoch."""
        return len(self._batches(self._epoch))

    def __iter__(self) -> Iterator[Loaded]:
        """What is left of the present epoch, batch after batch.

        Raises:
            InputRefused: `bad_dataset`: a file is gone or has changed; `memory_limit`, `time_limit`, `decode_failed`: a worker
                was ended.
        """
        epoch, batches = self._epoch, self._batches(self._epoch)
        begun: deque[_Begun] = deque()
        unsent: deque[tuple[Job, list[File]]] = deque()
        most, coming = self._workers * self._ahead, self.index.listed(batches[self._given :])
        self._ready().drain()  # of what an iteration left that was not gone through to its end
        while self._given < len(batches):
            while len(self._ready()) < most:
                while not unsent and len(begun) <= most and (listed := next(coming, None)) is not None:
                    begun.append(self._begin(listed, epoch))
                    unsent.extend(begun[-1].jobs)
                if not unsent:
                    break
                self._send(*unsent.popleft())
            for job, _ in begun[0].jobs:
                if job.worker is None:  # a batch of more jobs than may be under way, which are all of its own
                    if len(self._ready()) >= most:
                        self._ready().finish(next(one for one, _ in begun[0].jobs if one.worker and one.result is None))
                    self._send(*unsent.popleft())
            found = self._loaded(begun.popleft())
            self._given += 1
            yield found
            del found
        self._epoch, self._given = epoch + 1, 0

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_crew", None) is not None:
            self.close()

    @property
    def epoch(self) -> int:
        """The number of the present epoch, from 0."""
        return self._epoch

    def state(self) -> dict[str, Any]:
        """Where it stands, JSON-able: after the last batch that was given."""
        is_over = self._given >= len(self._batches(self._epoch))
        epoch, given = (self._epoch + 1, 0) if is_over else (self._epoch, self._given)
        return {"epoch": epoch, "batch": given, "made_of": self._made_of}

    def forget(self) -> None:
        """Hash every file again when it is next read."""
        self._opening.forget()

    def close(self) -> None:
        """End the workers; batches that are held stay what they are."""
        if self._crew is not None:
            self._crew.close()
            self._crew = None
        self._opening.close()

    def _go_on(self, state: Mapping[str, Any]) -> None:
        if state.get("made_of") != self._made_of:
            raise InputRefused(
                "resume_mismatch",
                "The state is that of a loader over other samples, or with other options. Its place means nothing here. Give the "
                "same datasets and options, or begin anew without it.",
            )
        self._epoch, self._given = int(state["epoch"]), int(state["batch"])

    def _batches(self, epoch: int) -> list[Numbers]:
        if self._plan is None or self._plan[0] != epoch:
            self._plan = epoch, self.order.batches(len(self.index), epoch, self._rank)
        return self._plan[1]

    def _ready(self) -> Crew:
        if self._crew is None or not self._crew.workers:
            self._crew = Crew(self._workers)
        return self._crew

    def _begin(self, listed: Listed, epoch: int) -> "_Begun":
        """The files of a batch, and the jobs that they make; what is in memory already needs none."""
        cut = self._cut
        if cut is None:
            files = [File(shown, WHOLE) for shown in listed.pictures]
        else:
            owners = [
                (number, at) for number, count in zip(listed.numbers.tolist(), listed.counts, strict=True) for at in range(count)
            ]
            drawn = [self._taken(cut, shown, epoch, *owner) for shown, owner in zip(listed.pictures, owners, strict=True)]
            files = list(map(File, listed.pictures, drawn))
        begun = _Begun(listed, files, [])
        waiting = [file for file in files if not self._opening.is_cached(file)]
        rooms = [file.picture.room for file in waiting]
        if waiting:
            slot, held = self._ready().slots.take(sum(rooms))
            for stretch in jobs_of(rooms, max(8, min(FILES_AT_ONCE, IN_FLIGHT // (self._workers * self._ahead))), BYTES_AT_ONCE):
                job = Job(slot, sum(rooms[: stretch.start]), [], [], sum(rooms[stretch]), held)
                begun.jobs.append((job, waiting[stretch]))
        return begun

    def _send(self, job: Job, files: Sequence[File]) -> None:
        self._opening.fill(job, files)
        self._ready().send(job)

    def _loaded(self, begun: "_Begun") -> Loaded:
        """A batch whose jobs have all been sent."""
        jobs = [job for job, _ in begun.jobs]
        for job in jobs:
            self._ready().finish(job)
        one = together(jobs) if set(begun.listed.counts) == {1} else None
        if one is not None and len(one) < len(begun.files):
            one = None  # not all of them went to workers
        if one is None or self._is_caching:  # else nobody has asked yet for the array of each
            for job, files in begun.jobs:
                sent = [file for file in files if file.refused is None]
                for file, result in zip(sent, arrays_of(job), strict=True):
                    if isinstance(result, tuple):
                        file.refused = result
                    else:
                        file.array = result
        self._opening.believe(begun.files)
        numbers, keys, _, _ = begun.listed
        if one is not None:
            return Loaded(numbers, keys, tuple([(file.taken,) for file in begun.files]), self.index, one)
        samples = begun.samples()
        whole = [at for at, files in enumerate(samples) if self._is_whole(int(numbers[at]), files)]
        taken = tuple([tuple([file.taken for file in samples[at]]) for at in whole])
        arrays = tuple([tuple([file.array for file in samples[at] if file.array is not None]) for at in whole])
        return Loaded(numbers[whole], tuple([keys[at] for at in whole]), taken, self.index, arrays)

    def _is_whole(self, number: int, files: Sequence[File]) -> bool:
        """Whether every picture of a sample is there; the first fault of one that lacks any is told, or ends the loading."""
        refused = next((file.refused for file in files if file.refused is not None), None)
        if refused is not None:
            self._refuse(number, *refused)
        return refused is None

    def _refuse(self, number: int, code: str, message: str) -> None:
        """Tell the fault of a sample, or end the loading with it."""
        where, key = f"sample {number + 1}", self.index.keys[number].as_py()
        if self._tell is None:
            raise InputRefused(code, f"{where}: {message}", [Problem(where, message)])
        self._tell(Fault("media_unreadable", where, message, key))

    def _taken(self, cut: Cut, shown: Picture, epoch: int, number: int, at: int) -> Taken:
        return cut.draw(np.random.default_rng((self.order.seed, 2, epoch, number, at)), shown.shape)


@dataclass(eq=False)
class _Begun:
    """A batch under way: its files, one sample's behind the other's, and its jobs with theirs."""

    listed: Listed
    files: list[File]
    jobs: list[tuple[Job, list[File]]]

    def samples(self) -> list[list[File]]:
        """The files of each sample."""
        files = iter(self.files)
        return [list(islice(files, count)) for count in self.listed.counts]
