"""The parts of the kit. Each is a function that takes the kit and adds an item to the report for
each thing that it did or left out."""

import importlib.util
import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import process
from compare import FAMILIES
from report import FAILED, PASSED, SKIPPED

# The tests of a rehearsal; ctest and Maven run all others on the simulated device.
REHEARSED_TESTS = ("elementwise_test", "gather_test", "copy_test")
REHEARSED_CLASSES = ".*(TensorTest|DevicesAgreeTest)"
LEFT_OUT = "left out of a rehearsal: the build's own tests run it"
TIME_UP = "the time of this part was up"
ALONE_SECONDS = 1  # a test class that takes longer gets its own JVM
JVM_SECONDS = 120  # limit, so that a test that hangs does not use up the time of other parts
FAMILY_SECONDS, KEPT_SECONDS = 45, 10  # for the comparison; see family_limit


def split_by_rehearsal(kit, names):
    """Returns the tests to run; adds an item for each of the others."""
    chosen = [name for name in names if kit.backend != "sim" or name in REHEARSED_TESTS]
    for name in names:
        if name not in chosen:
            kit.add(name, SKIPPED, LEFT_OUT)
    return chosen


def at_once(kit, work, names, most=4):
    """Calls work(name) for every name, at most `most` at once; adds an item for those that cannot
    start in time."""

    def one(name):
        if kit.remaining() < 3:
            kit.add(name, SKIPPED, TIME_UP)
        else:
            work(name)

    with ThreadPoolExecutor(min(most, os.cpu_count() or 1)) as pool:
        list(pool.map(one, names))


def native(kit):
    """Runs all native tests of kernels on the device."""

    def one(name):
        ended = kit.run([kit.path("native/tests", name)], 300)
        counts = re.findall(r"^(\d+) passed, (\d+) failed", ended.output, flags=re.M)
        found = f"{counts[-1][0]} passed, {counts[-1][1]} failed" if counts else ""
        if ended.code == 0:
            kit.add(name, PASSED, seconds=ended.seconds, found=found)
        elif ended.code == 77:
            kit.add(name, SKIPPED, ended.last_line, ended.seconds)
        else:
            faults = re.findall(r"^(?:FAIL .*|.*: not true: .*)", ended.output, flags=re.M)
            detail = "; ".join([ended.fault(), *faults[:3]])
            kit.add(name, FAILED, detail[:1000], ended.seconds, found=found)

    names = kit.path("native/tests.txt").read_text().split()
    at_once(kit, one, split_by_rehearsal(kit, names))


def java_command(kit, *modules):
    """The command that starts the JVM with the class path of these modules."""
    classes = [kit.path("java", module, "classes") for module in modules]
    # Makes JavaCPP find the library with the simulated device before that of the class path.
    sim = ["-Djava.library.path=" + str(kit.path("native/sim")),
           "-Dorg.bytedeco.javacpp.pathsFirst=true"]
    return [
        kit.path("java/jre/bin/java"), "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx4g",
        "--enable-native-access=ALL-UNNAMED", "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={kit.temporary}", f"-Duser.home={kit.temporary}",
        f"-Dorg.bytedeco.javacpp.cachedir={kit.temporary}/javacpp",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        f"-Dhalfstep.data={kit.path('shared/data')}",
        # This folder is not packed: a machine with a driver does not need the fake one.
        f"-Dhalfstep.fake-cuda={kit.path('native/fake_cuda')}",
        f"-Dhalfstep.test.device={kit.backend}",
        *([] if kit.backend in ("cuda", "cpu") else sim),
        "-cp", ":".join(map(str, [*classes, kit.path("java/lib/*")])),
    ]


def find_tests(folder):
    """The names of the test classes in a folder of class files."""
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*Test.class"))]
    return [".".join(file.with_suffix("").parts) for file in files if "$" not in file.name]


def deal(names, seconds, hands):
    """Groups of test classes, those that take long first: each class that is known to take long is
    a group, the others are dealt out to `hands` groups."""
    order = sorted(names, key=lambda name: -seconds.get(name, 0))
    alone = [[name] for name in order if seconds.get(name, 0) > ALONE_SECONDS]
    rest = order[len(alone) :]
    return alone + [rest[hand::hands] for hand in range(min(hands, len(rest)))]


class Feed:
    """Parses the output of JUnit's test feed: how many tests ended in which way, why tests failed,
    were aborted or skipped, and which test it came to last."""

    WORDS = {"SUCCESSFUL": "passed", "FAILED": "failed", "ABORTED": "aborted", "SKIPPED": "skipped"}

    def __init__(self, output):
        self.reasons = {what: [] for what in self.WORDS}
        self.place = "before the first test"
        lines = output.splitlines()
        for line, next_line in zip(lines, [*lines[1:], ""]):
            # A line of a log may follow on the same line.
            for name, what in re.findall(r"JUnit \w+ > (.+?) :: ([A-Z]+)", line):
                if what in self.reasons:
                    self.reasons[what].append(f"{name}: {next_line.strip()}"[:200])
                self.place = ("in " if what == "STARTED" else "after ") + name

    def found(self):
        return ", ".join(f"{len(self.reasons[what])} {word}" for what, word in self.WORDS.items()
                         if self.reasons[what] or what in ("SUCCESSFUL", "FAILED"))  # fmt: skip

    def verdict(self, ended):
        """(status, detail) of the JVM that wrote this output."""
        failed = self.reasons["FAILED"][:5]
        if ended.code is None:
            words = f"stopped after {ended.seconds:.0f} s, {self.place}; until then {self.found()}"
            return FAILED, "; ".join([words, *failed])
        if ended.code != 0:
            return FAILED, "; ".join([self.found(), *(failed or [self.place, ended.fault()])])
        if self.reasons["SUCCESSFUL"]:
            return PASSED, ""
        left_out = self.reasons["ABORTED"] + self.reasons["SKIPPED"]
        return (SKIPPED, f"{self.found()}; {left_out[0]}") if left_out else (FAILED, "no test ran")


def java(kit):
    """Runs the Java tests on the device; in a rehearsal only some of those that the build runs
    there too. Several JVMs run at once, so that the time is that of the slowest class."""
    lines = kit.path("java/seconds.txt").read_text().splitlines()
    seconds = {}  # the longest time of each class on the build machine, on any device
    for line in lines:
        number, name = line.split()
        seconds[name] = max(float(number), seconds.get(name, 0))
    jvms = max(1, min(6, (os.cpu_count() or 1) // 2))
    groups = []
    for module in ("core", "train"):
        names = find_tests(kit.path("java", module, "test-classes"))
        if kit.backend == "sim":
            names = [name for name in names if re.fullmatch(REHEARSED_CLASSES, name)]
            kit.add(f"{module}: other classes", SKIPPED, LEFT_OUT)
        groups += [(module, group) for group in deal(names, seconds, jvms)]
    groups.sort(key=lambda group: -sum(seconds.get(name, 0) for name in group[1]))
    works = {}
    for module, names in groups:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        works[f"{module}: {names[0].removeprefix('dev.halfstep.')}{others}"] = (module, names)

    def one(name):
        module, classes = works[name]
        modules = ("core", "bindings", "cuda") + (("train",) if module == "train" else ())
        command = java_command(kit, *modules)
        command[-1] += f":{kit.path('java', module, 'test-classes')}"
        command += ["org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner",
                    "--disable-ansi-colors", "--details=testfeed",
                    *(f"--select-class={c}" for c in classes)]  # fmt: skip
        command += ["--include-tag=sim"] if kit.backend == "sim" else []
        # At the time limit SIGQUIT makes the JVM write the stacks of its threads to the log.
        ended = kit.run(command, JVM_SECONDS, asked=signal.SIGQUIT)
        feed = Feed(ended.output)
        status, detail = feed.verdict(ended)
        kit.add(name, status, detail[:1000], ended.seconds, found=feed.found())
        if status != SKIPPED:
            for reason in feed.reasons["SKIPPED"]:
                kit.add(f"{module}: {reason}", SKIPPED, "the test says so")

    at_once(kit, one, works, jvms)


def family_limit(remaining, behind):
    """The seconds that a family may take: at most FAMILY_SECONDS of the remaining time, of which
    KEPT_SECONDS are kept for each family after it; if there is plenty of time, twice an equal
    share."""
    most = min(FAMILY_SECONDS, remaining - KEPT_SECONDS * behind)
    return max(KEPT_SECONDS, most, 2 * remaining / (behind + 1))


def torch(kit):
    """Runs the comparison with PyTorch, each family in its own process. While one family is
    measured, the process of the next one imports PyTorch and waits."""
    ceilings = kit.temporary / "ceilings.json"

    def out_of(family):
        return ceilings if family == "ceilings" else kit.temporary / f"{family}.json"

    def start(family):
        plugin = ["--plugin", kit.path("native/libhalfstep_cuda.so")] if kit.cuda else []
        return kit.start(
            [*kit.python, kit.path("kit/compare.py"), family, "--device", kit.backend,
             "--library", kit.library, "--header", kit.path("native/halfstep.h"), *plugin,
             "--ceilings", ceilings, "--out", out_of(family), "--wait"], waits=True,
            # The cache of torch.compile; if the variable is set, the next run finds it too.
            TORCHINDUCTOR_CACHE_DIR=os.environ.get("TORCHINDUCTOR_CACHE_DIR")
            or str(kit.temporary / "inductor"),
            # The simulated device and PyTorch both need static thread-local storage.
            GLIBC_TUNABLES="glibc.rtld.optional_static_tls=1048576")  # fmt: skip

    taken = []
    following = start(FAMILIES[0])
    for place, family in enumerate(FAMILIES):
        child, behind = following, FAMILIES[place + 1 :]
        if kit.remaining() < 5:
            if child:
                process.discard(child)
            following = None
            kit.add(family, SKIPPED, TIME_UP)
            continue
        following = start(behind[0]) if behind else None
        ended = kit.finish(child, family_limit(kit.remaining(), len(behind)))
        taken.append(f"{family} {ended.seconds:.0f}")
        kit.report.machine["seconds of families"] = ", ".join(taken)
        out = out_of(family)
        result = json.loads(out.read_text()) if out.exists() else {"rows": []}
        if "ceilings" in result:
            kit.report.machine["ceilings"] = result["ceilings"]
            kit.add(family, PASSED, seconds=ended.seconds)
        for row in result["rows"]:
            kit.add(row["case"], row["status"], row.get("detail", ""), row=row)
        failed = any(row["status"] == FAILED for row in result["rows"])
        if ended.code is None:
            kit.add(f"{family}: the rest", SKIPPED, ended.fault(), ended.seconds)
        elif ended.code not in (0, 1 if failed else 0):
            kit.add(family, FAILED, ended.fault(), ended.seconds)


def train(kit):
    """Trains with the command line in FP32, BF16 and FP16."""
    mnist = kit.path("shared/data/mnist")
    options = ["--optimizer", "adam", "--lr", "0.001", "--seed", "1"]
    if not kit.cuda:
        rows = kit.temporary / "rehearsal.csv"
        rows.write_text("a,b,label\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(40)))
        options += ["--data", f"csv:{rows}", "--model", "mlp:8", "--epochs", "1",
                    "--batch-size", "8"]  # fmt: skip
        kit.add("MNIST", SKIPPED, "left out of a rehearsal: 40 rows of two numbers stand for it")
    else:
        data = f"mnist:{mnist}" if mnist.is_dir() else "digits"
        if data == "digits":
            kit.add("MNIST", SKIPPED, "it was not there when the kit was packed: drawn digits")
        options += ["--data", data, "--model", "cnn", "--epochs", "5", "--batch-size", "64"]
    for precision in ("fp32", "bf16", "fp16"):
        name = f"train {precision}"
        if kit.remaining() < 5:
            kit.add(name, SKIPPED, TIME_UP)
            continue
        folder = kit.temporary / f"run-{precision}"
        command = java_command(kit, "cli", "report", "onnx", "train", "core", "bindings", "cuda")
        command += ["dev.halfstep.cli.Main", "train", *options, "--precision", precision,
                    "--device", kit.backend, "--out", folder]  # fmt: skip
        ended = kit.run(command, kit.remaining())
        if ended.code != 0:
            kit.add(name, FAILED, ended.fault(), ended.seconds)
            continue
        report = json.loads((folder / "report.json").read_text())
        accuracy = (report.get("test") or {}).get("accuracy")
        found = f"test accuracy {accuracy}, {report['wallSeconds']:.2f} s"
        if kit.cuda and not (accuracy is not None and accuracy >= 0.95):
            kit.add(name, FAILED, f"{found}: at least 0.95 was expected", ended.seconds)
        else:
            kit.add(name, PASSED, seconds=ended.seconds, found=found, report=report)


def throughput(kit):
    """Measures training throughput against batch size with JMH."""
    results = kit.temporary / "throughput.json"
    options = ["-f", "0", "-p", f"device={kit.backend}", "-rf", "json", "-rff", results]
    if kit.cuda:
        options += ["-wi", "1", "-w", "200ms", "-i", "3", "-r", "200ms", "-p", "precision=F32,BF16",
                    "-p", "batchSize=1,32,256,1024"]  # fmt: skip
    else:
        options += ["-wi", "0", "-i", "1", "-r", "1ms", "-p", "network=MLP", "-p", "batchSize=1024"]
    command = java_command(kit, "benchmarks", "train", "core", "bindings", "cuda")
    ended = kit.run([*command, "org.openjdk.jmh.Main", "TrainingThroughput", *options],
                    kit.remaining())  # fmt: skip
    for run in json.loads(results.read_text()) if results.exists() else []:
        of = run["params"]
        rate = {name: run["secondaryMetrics"][name]["score"] for name in ("samples", "steps")}
        kit.add(f"{of['network']} {of['precision']} B={of['batchSize']}", PASSED,
                found=f"{rate['samples']:.0f} samples/s, {1e6 / rate['steps']:.1f} us a step",
                rate=rate)  # fmt: skip
    if ended.code is None:
        kit.add("the rest", SKIPPED, ended.fault(), ended.seconds)
    elif ended.code != 0 or not results.exists():
        kit.add("TrainingThroughput", FAILED, ended.fault(), ended.seconds)


def vendor_folders():
    """The folders in which pip installed NVIDIA's libraries (for PyTorch), for the dynamic
    linker."""
    found = importlib.util.find_spec("nvidia")
    roots = found.submodule_search_locations if found else []
    return sorted(str(folder) for root in roots for folder in Path(root).glob("*/lib"))


def vendor_rows(output):
    """(name, text, whether both agree) of each line that Oracle.Comparison prints."""
    for line in output.splitlines():
        row = re.match(r"(\S.*?)\s+(\S+ of +\S+ .* x)( differ)?$", line)
        if row:
            yield row.group(1), " ".join(row.group(2).split()), row.group(3) is None


def vendor(kit):
    """Compares our kernels with cuBLAS and cuDNN on one stream, from Java: whether they agree, and
    how long each takes."""
    command = java_command(kit, "oracle", "core", "bindings", "cuda")
    path = ":".join([*vendor_folders(), os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")
    ended = kit.run([*command, "dev.halfstep.oracle.Oracle"], kit.remaining(), LD_LIBRARY_PATH=path)
    for name, found, agrees in vendor_rows(ended.output):
        kit.add(name, PASSED if agrees else FAILED, "" if agrees else found, found=found)
    if ended.code == 2:
        kit.add("cuBLAS and cuDNN", SKIPPED, ended.last_line, ended.seconds)
        if not kit.cuda and ended.last_line.startswith("the oracle needs"):
            kit.add("a rehearsal: it starts, and names what is missing", PASSED)
    elif ended.code is None:
        kit.add("the rest", SKIPPED, ended.fault(), ended.seconds)
    elif ended.code not in (0, 1):
        kit.add("cuBLAS and cuDNN", FAILED, ended.fault(), ended.seconds)


def find_sanitizer(given):
    """The path of compute-sanitizer: the one given, the one on PATH, or one in a CUDA folder."""
    places = [given, shutil.which("compute-sanitizer")]
    compiler = shutil.which("nvcc")
    folders = [Path(compiler).resolve().parent] if compiler else []
    folders += [Path(p, "bin") for p in (os.environ.get("CUDA_HOME"), "/usr/local/cuda") if p]
    places += [folder / "compute-sanitizer" for folder in folders]
    return next((Path(p) for p in places if p and Path(p).exists()), None)


def sanitizer_verdict(ended):
    """(status, detail) of a test under compute-sanitizer."""
    summaries = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: .*", ended.output)
    if ended.code is None:
        return SKIPPED, ended.fault() + (f"; {summaries[-1]}" if summaries else "")
    if not summaries:
        return FAILED, f"no summary; {ended.fault()}"
    clean = re.search(r"SUMMARY: 0 (errors|hazards)", summaries[-1])
    if clean and ended.code == 0:
        return PASSED, ""
    where = re.findall(r"^=+ +(?:Invalid|Error|Uninitialized|.*Race|Program hit).*", ended.output,
                       flags=re.M)  # fmt: skip
    places = [words.strip("= ")[:200] for words in where[:3]]
    return FAILED, "; ".join([summaries[-1], *places, ended.fault()])


def sanitizer(kit):
    """Runs the native tests under memcheck, racecheck and initcheck."""
    tool = find_sanitizer(kit.sanitizer)
    if tool is None:
        kit.add("compute-sanitizer", SKIPPED, "it is not on this machine")
        return
    names = kit.path("native/tests.txt").read_text().split()
    probe = kit.run([tool, "--tool", "memcheck", kit.path("native/tests", "gather_test")], 60)
    refusal = re.search(r".*(not supported|[Uu]nable to|[Ff]ailed to|error 999).*", probe.output)
    if "SUMMARY" not in probe.output or (refusal and probe.code != 0):
        reason = refusal.group(0).strip("= ") if refusal else probe.fault()
        kit.add("compute-sanitizer", SKIPPED, f"this machine refuses it: {reason}"[:400])
        return
    chosen = split_by_rehearsal(kit, names)
    for number, check in enumerate(("memcheck", "racecheck", "initcheck")):
        limit = kit.remaining() / (3 - number)
        end = kit.remaining() - limit

        def one(name, check=check, end=end):
            left = kit.remaining() - end
            label = f"{check}: {name}"
            if left < 3:
                kit.add(label, SKIPPED, TIME_UP)
                return
            ended = kit.run([tool, "--tool", check, "--error-exitcode", "99",
                             kit.path("native/tests", name)], left)  # fmt: skip
            status, detail = sanitizer_verdict(ended)
            kit.add(label, status, detail, ended.seconds)

        at_once(kit, one, chosen)


# The parts in the order in which they run. Each may take at most the given share of the time that
# is left; time that a part does not need remains for later parts.
PARTS = {
    "native": (native, 0.3),
    "java": (java, 0.3),
    "torch": (torch, 0.6),
    "train": (train, 0.5),
    "throughput": (throughput, 0.5),
    "vendor": (vendor, 0.3),
    "sanitizer": (sanitizer, 1.0),
}
