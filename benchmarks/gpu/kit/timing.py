"""How the comparison measures: both sides in the same way, after a warm-up, with cold caches.

Buffers rotate: one repetition is one call on each of enough sets of arrays that they do not fit in
the L2 cache together. "device" is a recorded repetition (a CUDA graph on both sides) launched again
and again, so that the host's time is not in it; "wall" is the same calls one by one from Python."""

import statistics
import time

COLD_BYTES = 256 << 20  # of all sets together; the largest L2 is 60 MB
MOST_SETS = 256


def sets_for(bytes_of_a_set, rehearsal):
    if rehearsal:
        return 2
    return max(1, min(MOST_SETS, -(-COLD_BYTES // max(1, bytes_of_a_set))))


class Clock:
    """`run(times)` enqueues that many repetitions, `synchronize()` waits for them."""

    def __init__(self, rehearsal):
        self.samples = 1 if rehearsal else 5
        self.least_seconds = 0 if rehearsal else 0.03
        self.warm_up = not rehearsal

    def seconds(self, run, synchronize):
        """Seconds of a repetition: the median of the samples, and their relative spread."""
        times = 1
        if self.warm_up:
            self._once(run, synchronize, 1)
            taken = self._once(run, synchronize, 1)
            times = max(1, min(10000, int(self.least_seconds / max(taken, 1e-6)) + 1))
        samples = [self._once(run, synchronize, times) / times for _ in range(self.samples)]
        median = statistics.median(samples)
        return median, (max(samples) - min(samples)) / median

    @staticmethod
    def _once(run, synchronize, times):
        synchronize()
        begun = time.perf_counter()
        run(times)
        synchronize()
        return time.perf_counter() - begun


def ours(clock, device, calls, synchronize):
    """Device and wall time in seconds of one of `calls`, each of which enqueues one call."""
    result = {}
    recorded = device.record(lambda: [call() for call in calls])
    median, spread = clock.seconds(lambda times: device.launch(recorded, times), synchronize)
    device.forget(recorded)
    result["device_us"], result["device_spread"] = median / len(calls) * 1e6, spread
    median, _ = clock.seconds(lambda times: [c() for _ in range(times) for c in calls], synchronize)
    result["wall_us"] = median / len(calls) * 1e6
    return result


def graph_of(torch, body):
    """body() as a CUDA graph. It runs some times before, on another stream, as PyTorch asks."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            body()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph


def peer(clock, torch, calls, synchronize):
    """The same for PyTorch. Without a GPU there is no graph and so no device time."""
    median, _ = clock.seconds(lambda times: [c() for _ in range(times) for c in calls], synchronize)
    result = {"wall_us": median / len(calls) * 1e6}
    if torch.cuda.is_available():
        try:
            graph = graph_of(torch, lambda: [call() for call in calls])
        except Exception as error:  # not everything can be captured
            return result | {"device_skipped": f"{type(error).__name__}: {error}"[:300]}

        def replay(times):
            for _ in range(times):
                graph.replay()

        median, spread = clock.seconds(replay, synchronize)
        result["device_us"], result["device_spread"] = median / len(calls) * 1e6, spread
    return result


def ceilings(arrays, rehearsal):
    """What this machine can do at best, through PyTorch on a GPU: bytes read plus written in a
    second by a copy, and FLOP in a second of a large product, in BF16, FP32 and TF32."""
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
    """The least time that bytes and FLOP allow at the ceilings, and which of them it is."""
    by_bytes = size / ceiling["copy_bytes_per_s"] * 1e6
    by_flops = flops / ceiling[f"{kind.lower()}_flop_per_s"] * 1e6
    return (by_bytes, "bytes") if by_bytes >= by_flops else (by_flops, "flops")
