"""A worker is believed only when it tells of the files that it was given."""

import os

import numpy as np
import pytest

from vesalius.datasets.loading.crew import Crew, Job, arrays_of, together
from vesalius.datasets.loading.decode import Item
from vesalius.errors import InputRefused


def job_of(crew: Crew, path, count: int) -> Job:
    size = path.stat().st_size
    room = -(-size // 8) * 8
    slot, held = crew.slots.take(count * room)
    items = [Item(".npy", size, (3, 4), 1, "", None, None, room)] * count
    return Job(slot, 0, list(items), [os.open(path, os.O_RDONLY) for _ in items], count * room, held)


def test_what_a_worker_tells_of_other_files_than_it_was_given_is_refused(tmp_path):
    path, values = tmp_path / "a.npy", np.arange(12, dtype=np.int16).reshape(3, 4)
    np.save(path, values)
    crew = Crew(1)
    try:
        job = job_of(crew, path, 3)
        crew.send(job)
        crew.finish(job)
        assert np.array_equal(together([job]), np.stack([values] * 3))
        assert all(np.array_equal(array, values) for array in arrays_of(job))
        job = job_of(crew, path, 3)
        crew.send(job)
        job.items.pop()
        with pytest.raises(InputRefused, match="taken over"):
            crew.finish(job)
    finally:
        crew.close()
