"""Timing for the comparison: both sides are measured in the same way, after a warm-up, with cold
caches.

Buffers rotate: one repetition makes one call on each of several sets of arrays, so many that they
do not fit in the L2 cache together. For "device" a recorded repetition (a CUDA graph on both sides)
is launched repeatedly, so that the host's time does not count; for "wall" the same calls are made
one by one from Python."""

import collections
import itertools
import statistics
import time

COLD_BYTES = 256 << 20  # bytes of all sets together; the largest L2 cache has 60 MB
MOST_SETS = 256
MOST_TIMES = 10000  # the most repetitions of a sample


def sets_for(bytes_of_a_set, rehearsal):
    if rehearsal:
        return 2
    return max(1, min(MOST_SETS, -(-COLD_BYTES // max(1, bytes_of_a_set))))


class Clock:
    """Measures with two functions: run(times) enqueues so many repetitions, synchronize() waits."""

    def __init__(self, rehearsal):
        self.samples = 1 if rehearsal else 5
        self.least_seconds = 0 if rehearsal else 0.03
        self.warm_up = not rehearsal

    def seconds(self, run, synchronize):
        """The seconds of a repetition, as the median of the samples, and the samples' relative
        spread."""
        times = self._times(run, synchronize) if self.warm_up else 1
        samples = [self._once(run, synchronize, times) / times for _ in range(self.samples)]
        median = statistics.median(samples)
        return median, (max(samples) - min(samples)) / median

    def _times(self, run, synchronize):
        """The number of repetitions of a sample, found by a warm-up that is long enough."""
        self._once(run, synchronize, 1)
        times, taken = 1, self._once(run, synchronize, 1)
        while taken < self.least_seconds / 8 and times < MOST_TIMES:
            times = min(4 * times, MOST_TIMES)
            taken = self._once(run, synchronize, times)
        return max(1, min(MOST_TIMES, int(times * self.least_seconds / taken) + 1))

    @staticmethod
    def _once(run, synchronize, times):
        synchronize()
        begun = time.perf_counter()
        run(times)
        synchronize()
        return time.perf_counter() - begun


def in_turn(calls):
    """Returns run(times), which makes `times` of the calls in turn. The results of a call are kept
    for one round, so that arrays that calls allocate rotate too and memory does not run out."""
    turn, kept = itertools.cycle(calls), collections.deque(maxlen=len(calls))

    def run(times):
        for _ in range(times):
            kept.append(next(turn)())

    return run


def ours(clock, device, calls, synchronize):
    """Device and wall time in seconds of one of `calls`; each of these functions enqueues one
    call."""
    result = {}
    recorded = device.record(lambda: [call() for call in calls])
    median, spread = clock.seconds(lambda times: device.launch(recorded, times), synchronize)
    device.forget(recorded)
    result["device_us"], result["device_spread"] = median / len(calls) * 1e6, spread
    result["wall_us"] = clock.seconds(in_turn(calls), synchronize)[0] * 1e6
    return result


def graph_of(torch, calls):
    """Captures the calls in a CUDA graph. Some calls are made first, on another stream, which
    PyTorch requires."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for call in calls * 3 if len(calls) < 3 else calls:
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = [call() for call in calls]  # all are kept: each has its own memory
    del outputs
    return graph


def peer(clock, torch, calls, synchronize):
    """As ours(), for PyTorch. Without a GPU there is no graph and so no device time."""
    result = {"wall_us": clock.seconds(in_turn(calls), synchronize)[0] * 1e6}
    if torch.cuda.is_available():
        try:
            graph = graph_of(torch, calls)
        except Exception as error:  # not everything can be captured
            return result | {"device_skipped": f"{type(error).__name__}: {error}"[:300]}

        def replay(times):
            for _ in range(times):
                graph.replay()

        median, spread = clock.seconds(replay, synchronize)
        result["device_us"], result["device_spread"] = median / len(calls) * 1e6, spread
    return result


def ceilings(arrays, rehearsal):
    """The best rates of this machine, measured through PyTorch on a GPU: bytes that a copy reads
    plus writes per second, and FLOP per second of a large product in BF16, FP32 and TF32."""
    clock = Clock(rehearsal)
    count, n = (1 << 16, 64) if rehearsal else (1 << 30, 8192)
    source, target = arrays.normal((count,), "F32"), arrays.zeros((count,), "F32")

    def copy(times):
        for _ in range(times):
            target[:] = source

    found = {"copy_bytes_per_s": 8 * count / clock.seconds(copy, arrays.synchronize)[0]}
    for kind, size in (("BF16", n), ("F32", n // 2), ("TF32", n // 2)):
        arrays.allow_tf32(kind == "TF32")
        stored = "F32" if kind == "TF32" else kind
        a, b = arrays.normal((size, size), stored), arrays.normal((size, size), stored)

        def product(times, a=a, b=b):
            for _ in range(times):
                a @ b

        seconds = clock.seconds(product, arrays.synchronize)[0]
        found[f"{kind.lower()}_flop_per_s"] = 2 * size**3 / seconds
    arrays.allow_tf32(False)
    found["f16_flop_per_s"] = found["bf16_flop_per_s"]
    return found


def floor_us(ceiling, kind, size, flops):
    """The least time that bytes and FLOP allow at the ceilings, and which of the two limits it."""
    by_bytes = size / ceiling["copy_bytes_per_s"] * 1e6
    by_flops = flops / ceiling[f"{kind.lower()}_flop_per_s"] * 1e6
    return (by_bytes, "bytes") if by_bytes >= by_flops else (by_flops, "flops")
