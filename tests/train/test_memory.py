import subprocess
import sys

import pytest

from vesalius.train.memory import keep_freed

FAULTS = """
import resource, sys
from vesalius.train.memory import keep_freed
if "keep" in sys.argv:
    assert keep_freed()
def step():
    held = [bytearray(8_000_000) for _ in range(8)]  # let go together, as at the end of a step
    for one in held:
        one[::4096] = b"x" * len(one[::4096])
    del held[:]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is asked")
def test_tensors_of_the_next_step_lie_where_those_of_the_last_one_lay() -> None:
    if not keep_freed():
        pytest.skip("this C library has no mallopt")
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", FAULTS, *how], capture_output=True, text=True, check=True).stdout)
        for how in (["keep"], [])
    )
    assert kept < given_back / 4, (kept, given_back)


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed()
