"""The GPU kit on the machine where it was carried; run.sh unpacks it and calls this."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import process
from halfstep import Device, HalfstepError, Library
from parts import PARTS, SKIPPED
from report import FAILED, Report


class Kit:
    """The data that all parts need: paths, the device's name, the remaining time, the report."""

    def __init__(self, options, home, temporary):
        self.home, self.temporary = home, temporary
        self.backend, self.cuda = options.device, options.device == "cuda"
        self.sanitizer = options.sanitizer
        self.python = [sys.executable]
        name = "libhalfstep.so" if options.device in ("cuda", "cpu") else "sim/libhalfstep.so"
        self.library = home / "native" / name
        self.end = options.begun + options.time_limit
        self.part, self.part_end = "", 0.0
        self.report = Report(options.out, {"backend": options.device})
        self._lock = threading.Lock()

    def path(self, *names):
        return self.home.joinpath(*map(str, names))

    def remaining(self):
        return self.part_end - time.time()

    def add(self, name, status, detail="", seconds=0.0, **more):
        with self._lock:
            self.report.add(self.part, name, status, detail, seconds, **more)

    def start(self, command, waits=False, **more):
        """Starts a program of the current part; `more` are variables of its environment."""
        environment = {
            "HALFSTEP_TEST_DEVICES": self.backend,
            "HALFSTEP_CUDA_PLUGIN": str(self.path("native/libhalfstep_cuda.so")),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.temporary),
            **more,
        }
        return process.start(command, environment, waits)

    def finish(self, child, seconds, asked=None):
        log = self.report.folder / f"{self.part}.log"
        return process.finish(child, min(seconds, self.remaining()), log, asked)

    def run(self, command, seconds, asked=None, **more):
        return self.finish(self.start(command, **more), seconds, asked)

    def run_part(self, name):
        function, share = PARTS[name]
        last = name == list(self.wanted)[-1]
        left = self.end - time.time()
        self.part = name
        self.report.begin(name)
        self.part_end = time.time() + (left if last else left * share)
        if left < 5:
            self.add(name, SKIPPED, "the time limit was reached before this part")
        else:
            try:
                function(self)
            except Exception as error:  # one part must not end the others
                self.add(name, FAILED, f"{type(error).__name__}: {error}"[:500])
        self.report.end(name)


def last_line(*command):
    """The last line that a program of this machine prints; "" if there is no such program."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (ended.stdout.strip().splitlines() or [""])[-1]


def describe_machine(kit):
    """Adds a description of this machine to the report."""
    machine = kit.report.machine
    machine["halfstep"] = kit.path("version.txt").read_text().strip()
    machine["date"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    machine["system"] = f"{platform.platform()}, {os.cpu_count()} processors"
    machine["python"] = platform.python_version()
    version = "import importlib.metadata as m; print(m.version('torch'))"  # importing it takes long
    machine["torch"] = last_line(sys.executable, "-c", version) or "not installed"
    machine["nvcc"] = last_line("nvcc", "--version") or "not on PATH"
    query = "--query-gpu=name,driver_version,memory.total"
    machine["driver"] = last_line("nvidia-smi", query, "--format=csv,noheader") or "no nvidia-smi"


def open_device(kit):
    """Opens the device once, in a separate process. Returns why it cannot be opened, or ""."""
    plugin = kit.path("native/libhalfstep_cuda.so")
    if kit.cuda and not plugin.exists():
        return "the kit was packed without the CUDA plug-in: pack it where nvcc 13 is"
    probe = (
        "import json, sys; from halfstep import Device, Library\n"
        "library = Library(sys.argv[1], sys.argv[2], sys.argv[3])\n"
        "print(json.dumps(Device(library, sys.argv[4]).info()))\n"
    )
    ended = process.run(
        [sys.executable, "-c", probe, kit.library, kit.path("native/halfstep.h"), plugin,
         kit.backend], 120, kit.report.folder / "device.log",
        {"PYTHONPATH": str(kit.path("kit"))})  # fmt: skip
    if ended.code != 0:
        return ended.fault()
    info = json.loads(ended.output.strip().splitlines()[-1])
    kit.report.machine["device"] = f"{info['name']} ({info['detail']})"
    kit.report.machine["multiprocessors"] = info["threads"]
    return ""


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("out", help="folder for report.json, report.md and the logs")
    parser.add_argument("parts", nargs="?", default=",".join(PARTS),
                        help="names with commas between (default: %(default)s)")
    parser.add_argument("--device", default="cuda", choices=("cuda", "sim", "cpu"))
    parser.add_argument("--time-limit", type=float, default=570, metavar="S",
                        help="seconds for all together (default: %(default)s)")
    parser.add_argument("--sanitizer", metavar="PATH", help="where compute-sanitizer is")
    parser.add_argument("--begun", type=float, default=time.time(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    wanted = options.parts.split(",")
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}: there are {', '.join(PARTS)}")
    home = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory(dir=home) as temporary:
        kit = Kit(options, home, Path(temporary))
        kit.wanted = [name for name in PARTS if name in wanted]
        describe_machine(kit)
        fault = open_device(kit)
        for name in kit.wanted:
            if fault:
                kit.part = name
                kit.report.begin(name)
                kit.add(name, FAILED, f"device {kit.backend} does not open: {fault}")
                kit.report.end(name)
            else:
                kit.run_part(name)
        kit.report.write()
    print((Path(options.out) / "report.md").read_text())
    return kit.report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
