"""Runs one family of the comparison with PyTorch, in a separate process:

    compare.py FAMILY --device NAME --library SO --header H [--plugin SO] --ceilings JSON --out JSON
               [--wait]

Each case is checked first, our result element by element and PyTorch's by its norm, and is timed
only if it is right. The file is written anew after each measurement, so that results survive a time
limit. With --wait the process imports its modules at once and then waits for a line on its standard
input, so that it can start while another family is measured."""

import argparse
import importlib
import json
import os
import sys
import time
import traceback

import timing
from arrays import Buffer, make_arrays
from halfstep import Device, Library
from kernels import AdamW, BatchNorm, Convolution, CrossEntropy, Matmul
from networks import network_cases

# ||theirs - reference|| / ||reference||: PyTorch rounds in more places than we do.
PEER_LIMIT = {"F32": 1e-4, "TF32": 2e-3, "BF16": 0.03, "F16": 0.01}


def rate_of(case):
    """The type in which a case's products are computed."""
    return "TF32" if getattr(case, "tf32", False) else case.kind


def passes(*arguments):
    return [Convolution(*arguments, name) for name in ("forward", "data", "weights")]


# The cases of each family: those for a GPU, and small ones for a rehearsal of the kit.
KERNELS = {
    "adamw": (
        lambda: [AdamW(100_000_000, False), AdamW(100_000_000, True), AdamW(1_000_000, True)],
        lambda: [AdamW(1003, False), AdamW(1003, True)],
    ),
    "cross-entropy": (
        lambda: [
            CrossEntropy(*shape)
            for shape in ((64, 1000, "BF16"), (65536, 1000, "BF16"), (8192, 32768, "BF16"),
                          (4096, 50257, "BF16"), (4096, 50257, "F32"))
        ],
        lambda: [CrossEntropy(5, 1000, "BF16"), CrossEntropy(3, 10, "F32")],
    ),
    "batch-norm": (
        lambda: [
            BatchNorm(*shape, backward)
            for shape in ((64, 56, 56, 256, "BF16"),  # on chip, one slab after another
                          (256, 7, 7, 512, "BF16"),  # all slabs at once
                          (256, 1, 1, 512, "BF16"),  # one or two blocks per slab
                          (4, 1024, 1024, 128, "F16"))  # no slab fits: two launches
            for backward in (False, True)
        ],
        lambda: [BatchNorm(2, 3, 3, 33, "BF16", False), BatchNorm(2, 3, 3, 33, "F32", True),
                 BatchNorm(2, 16, 16, 64, "BF16", True)],
    ),
    "matmul-batched": (
        lambda: [
            Matmul(*shape, "BF16")
            for shape in ((8, 128, 128, 128), (32, 256, 256, 256), (16, 512, 512, 512),
                          (8, 1024, 1024, 1024), (128, 512, 512, 2048))
        ] + [Matmul(32, 256, 256, 256, "F32")],
        lambda: [Matmul(3, 33, 40, 48, "BF16"), Matmul(2, 16, 16, 16, "F32")],
    ),
    "matmul-tiny": (
        lambda: [
            Matmul(*shape, "BF16")
            for shape in ((500_000, 16, 16, 16), (100_000, 32, 32, 32), (20_000, 64, 64, 64))
        ],
        lambda: [Matmul(9, 16, 16, 16, "BF16")],
    ),
    "matmul-skinny": (
        lambda: [Matmul(1, 16, 4096, 7168, "BF16"), Matmul(1, 64, 7168, 2048, "BF16")],
        lambda: [Matmul(1, 16, 72, 200, "BF16")],
    ),
    "matmul-large": (
        lambda: [
            Matmul(1, 4096, 4096, 4096, "BF16"), Matmul(1, 8192, 8192, 8192, "BF16"),
            Matmul(1, 4096, 4096, 4096, "F32"), Matmul(1, 4096, 4096, 4096, "F32", tf32=True),
        ],
        lambda: [Matmul(1, 65, 70, 40, "BF16"), Matmul(1, 65, 70, 40, "F32", tf32=True)],
    ),
    "convolution": (
        lambda: passes(64, 56, 64, 64, 3, "BF16") + passes(64, 14, 256, 256, 3, "BF16")
        + passes(64, 56, 64, 256, 1, "BF16")
        + passes(64, 14, 32, 64, 3, "BF16") + passes(64, 14, 32, 64, 3, "F32"),  # from MNIST's CNN
        lambda: passes(1, 5, 3, 8, 3, "BF16") + passes(1, 4, 8, 8, 1, "F32"),
    ),
}
# The order in which the families run: the most important first, since time may run out.
FAMILIES = ["ceilings", "mlp", "cnn", "matmul-large", "matmul-batched", "convolution",
            "cross-entropy", "batch-norm", "matmul-tiny", "matmul-skinny", "adamw"]  # fmt: skip
COMPILED = ("mlp", "cnn", "cross-entropy", "batch-norm")  # with torch.compile
UNDONE = "its process ended before"


class Comparison:
    """The objects that all cases need: device, arrays, ceilings, and PyTorch if it is installed."""

    def __init__(self, options):
        self.library = Library(options.library, options.header, options.plugin)
        self.arrays = make_arrays(options.device)
        self.device = Device(self.library, options.device)
        self.torch = getattr(self.arrays, "torch", None)
        self.rehearsal = options.device != "cuda"
        self.clock = timing.Clock(self.rehearsal)
        self.save = lambda: None  # writes the results so far
        self.begun, self.case = time.monotonic(), ""
        self.ceilings = None
        if os.path.exists(options.ceilings):
            with open(options.ceilings) as file:
                self.ceilings = json.load(file)["ceilings"]

    def synchronize(self):
        self.arrays.synchronize()
        self.device.synchronize()

    def allow_tf32(self, allowed):
        """Whether both sides may round operands of F32 to TF32."""
        self.device.call("hs_stream_set_tf32", int(allowed))
        self.arrays.allow_tf32(allowed)

    def finish(self, row, size, flops, kind):
        """Adds to a measured row the floor, our share of it, and the ratios to PyTorch."""
        if self.ceilings is not None:
            row["floor_us"], row["floor"] = timing.floor_us(self.ceilings, kind, size, flops)
            row["share_of_floor"] = row["floor_us"] / row["ours"]["device_us"]
        for time in ("device_us", "wall_us"):
            theirs = [p[time] for p in row["peers"].values() if time in p]
            if theirs:
                row["ratio_" + time[:-3]] = min(theirs) / row["ours"][time]

    def tell(self, doing):
        print(f"{time.monotonic() - self.begun:6.1f} s  {self.case}: {doing}", flush=True)

    def measure_peers(self, row, names, measure, size, flops, kind):
        """Adds measure(name) to a row for each of PyTorch's variants, and calls finish. The row is
        saved after each variant."""
        row["peers"] = {name: {"skipped": UNDONE} for name in names}
        self.finish(row, size, flops, kind)
        for name in names:
            self.save()
            self.tell(name)
            row["peers"][name] = self.peer(lambda name=name: measure(name))
            self.finish(row, size, flops, kind)

    def peer(self, make):
        """Returns make(), or the reason if it fails, so that other measurements can go on."""
        try:
            return make()
        except Exception as error:  # PyTorch may raise anything
            words = str(error).strip().splitlines() or [""]
            return {"skipped": f"{type(error).__name__}: {words[0]}"[:300]}


def fault(arrays, values, reference, bound):
    """Describes what is wrong with an output; None if it is right."""
    error = abs(arrays.f64(values) - reference)
    wrong = ~(error <= bound)  # written so that NaN counts as wrong
    count = int(wrong.sum())
    if count == 0:
        return None
    of = wrong.reshape(-1).shape[0]
    return f"{count} of {of} elements are wrong, by up to {float(error.max()):g}"


class KernelSet:
    """The arrays of one call, and the call."""

    def __init__(self, comparison, case):
        arrays = comparison.arrays
        self.given = case.inputs(arrays)
        self.made = case.outputs(arrays)
        # The values before our call changes them.
        self.before = {name: arrays.clone(value) for name, (value, _) in self.made.items()}
        self.buffers = {
            name: Buffer(comparison.device, arrays, value, kind)
            for name, (value, kind) in {**self.given, **self.made}.items()
        }
        at = {name: buffer.address for name, buffer in self.buffers.items()}
        self.call = case.ours(comparison.device, at)

    def values(self):
        return {name: value for name, (value, _) in self.given.items()}

    def release(self):
        for buffer in self.buffers.values():
            buffer.release()


def check_ours(comparison, case, row):
    arrays, one = comparison.arrays, KernelSet(comparison, case)
    comparison.synchronize()
    one.call()
    faults = []
    reference = case.reference(arrays, {**one.values(), **one.before})
    for name, (expected, bound) in reference.items():
        found = fault(arrays, one.buffers[name].values(), expected, bound)
        if found is not None:
            faults.append(f"{name}: {found}")
    one.release()
    row["status"] = "failed" if faults else "passed"
    row["detail"] = "; ".join(faults)


def check_peer(comparison, case, name):
    """The largest relative norm of the difference between PyTorch's outputs and the reference."""
    arrays, one = comparison.arrays, KernelSet(comparison, case)
    call = case.peers(comparison.torch, one.values(), clones(arrays, one))[name]()
    reference = case.reference(arrays, {**one.values(), **one.before})
    worst = 0.0
    for output, value in call().items():
        expected = reference[output][0] if output in reference else None
        if expected is not None:
            error = arrays.f64(value) - expected
            worst = max(worst, float((error**2).sum() ** 0.5 / (expected**2).sum() ** 0.5))
    one.release()
    if not worst <= PEER_LIMIT[rate_of(case)]:
        raise ValueError(f"its result is off by {worst:g} of the reference's norm")
    return worst


def clones(arrays, one):
    return {name: arrays.clone(value) for name, value in one.before.items()}


def run_kernel(comparison, case, row):
    comparison.allow_tf32(rate_of(case) == "TF32")
    check_ours(comparison, case, row)
    if row["status"] == "failed":
        return
    arrays, torch, clock = comparison.arrays, comparison.torch, comparison.clock
    sets = [
        KernelSet(comparison, case)
        for _ in range(timing.sets_for(case.bytes, comparison.rehearsal))
    ]
    calls = [one.call for one in sets]
    comparison.tell("ours")
    row["ours"] = timing.ours(clock, comparison.device, calls, comparison.synchronize)
    names = case.peers(torch, sets[0].values(), clones(arrays, sets[0])) if torch else {}

    def measure(name):
        error = check_peer(comparison, case, name)
        theirs = [case.peers(torch, s.values(), clones(arrays, s))[name]() for s in sets]
        return {"error": error, **timing.peer(clock, torch, theirs, comparison.synchronize)}

    comparison.measure_peers(row, list(names), measure, case.bytes, case.flops, rate_of(case))
    for one in sets:
        one.release()


def cases_of(family, rehearsal):
    if family in KERNELS:
        return [(case.name, case, run_kernel) for case in KERNELS[family][int(rehearsal)]()]
    return [(case.name, case, case.run) for case in network_cases(family, rehearsal)]


def import_ahead(family):
    """Imports the modules that take long to import."""
    try:
        importlib.import_module("torch")
        if family in COMPILED:  # which also starts the processes in which it compiles
            importlib.import_module("torch._inductor.compile_fx")
    except Exception as error:  # make_arrays and the measurements report it
        print(f"{type(error).__name__}: {error}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("family", choices=FAMILIES)
    for name in ("device", "library", "header", "ceilings", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--plugin")
    parser.add_argument("--wait", action="store_true")
    options = parser.parse_args()
    if options.wait:
        import_ahead(options.family)
        if not sys.stdin.readline():
            return 0
    comparison = Comparison(options)
    result = {"arrays": comparison.arrays.name, "rows": []}

    def write():
        with open(options.out + ".new", "w") as file:
            json.dump(result, file)
        os.replace(options.out + ".new", options.out)

    if options.family == "ceilings":
        result["ceilings"] = timing.ceilings(comparison.arrays, comparison.rehearsal)
        result["device"] = comparison.device.info()
        write()
        return 0
    comparison.save = write
    for name, case, run in cases_of(options.family, comparison.rehearsal):
        row = {"case": name, "status": "skipped", "detail": UNDONE}
        result["rows"].append(row)
        write()
        comparison.case = name
        comparison.tell("check")
        try:
            run(comparison, case, row)
        except Exception as error:
            traceback.print_exc()
            row["status"] = "failed"
            row["detail"] = f"{type(error).__name__}: {error}"[:500]
        write()
        if comparison.arrays.shared:
            comparison.torch.cuda.empty_cache()
    comparison.device.close()
    return 1 if any(row["status"] == "failed" for row in result["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
