"""Tests of the kit itself, without a device: python3 -m unittest discover benchmarks/gpu"""

import json
import signal
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "kit"))

import compare  # noqa: E402
import halfstep  # noqa: E402
import process  # noqa: E402
import timing  # noqa: E402
from parts import (  # noqa: E402
    Feed,
    deal,
    family_limit,
    find_sanitizer,
    find_tests,
    sanitizer_verdict,
    vendor_rows,
)
from keep import keep  # noqa: E402
from process import Ended  # noqa: E402
from report import FAILED, PASSED, SKIPPED, Report, slower  # noqa: E402

HEADER = HERE.parent.parent / "native" / "include" / "halfstep.h"


class HeaderTest(unittest.TestCase):
    def test_reads_every_function_and_agrees_with_the_compiler_on_every_struct(self):
        self.assertEqual(halfstep.check_layout(HEADER), [])

    def test_says_which_field_differs(self):
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder, "halfstep.h")
            packed.write_text("#pragma pack(1)\n" + HEADER.read_text())
            differences = halfstep.check_layout(packed)
            self.assertIn("hs_softmax_desc.rows 4 8", differences)  # the compiler's
            self.assertIn("hs_softmax_desc.rows 8 8", differences)


class ProcessTest(unittest.TestCase):
    def run_shell(self, script, seconds=20):
        with tempfile.TemporaryDirectory() as folder:
            return process.run(["bash", "-c", script], seconds, Path(folder, "log"))

    def test_stops_a_program_and_its_children_at_the_limit(self):
        ended = self.run_shell("echo begun; sleep 60 & sleep 60", seconds=1)
        self.assertIsNone(ended.code)
        self.assertLess(ended.seconds, 15)
        self.assertIn("last line: begun", ended.fault())

    def test_a_program_at_its_limit_can_be_asked_where_it_is(self):
        script = "trap 'echo here' QUIT; echo begun; while true; do sleep 0.1; done"
        with tempfile.TemporaryDirectory() as folder:
            ended = process.run(["bash", "-c", script], 1, Path(folder, "log"),
                                asked=signal.SIGQUIT)  # fmt: skip
        self.assertIsNone(ended.code)
        self.assertEqual(ended.output, "begun\nhere\n")

    def test_names_the_signal_that_ended_a_program(self):
        self.assertIn("SIGSEGV", self.run_shell("kill -SEGV $$").fault())

    def test_a_program_that_waits_begins_with_a_line_and_ends_without(self):
        with tempfile.TemporaryDirectory() as folder:
            child = process.start(["bash", "-c", "read && echo begun"], waits=True)
            self.assertEqual(process.finish(child, 20, Path(folder, "log")).output, "begun\n")
            self.assertIn("read && echo begun\nbegun\n", Path(folder, "log").read_text())
        child = process.start(["bash", "-c", "read || exit 3"], waits=True)
        child.stdin.close()
        self.assertEqual(child.wait(20), 3)
        child.stdout.close()

    def test_a_program_that_waits_can_be_discarded(self):
        child = process.start(["sleep", "60"], waits=True)
        process.discard(child)
        self.assertEqual(child.returncode, -9)


class VendorTest(unittest.TestCase):
    LINES = (
        "NVIDIA H200, compute capability 9.0\n"
        "cuBLAS 64 x 512^3 F32                         1.20e-06 of 1.0e-04      "
        "  98.7 us       97.1 us   0.98 x\n"
        "cuDNN softmax 4096 x 1000 BF16                3.00e-01 of 1.6e-02      "
        "  12.0 us       14.4 us   1.20 x differ\n"
    )

    def test_reads_each_comparison(self):
        self.assertEqual(
            list(vendor_rows(self.LINES)),
            [("cuBLAS 64 x 512^3 F32", "1.20e-06 of 1.0e-04 98.7 us 97.1 us 0.98 x", True),
             ("cuDNN softmax 4096 x 1000 BF16", "3.00e-01 of 1.6e-02 12.0 us 14.4 us 1.20 x", False)],
        )  # fmt: skip


class KeepTest(unittest.TestCase):
    def test_keeps_classes_and_the_libraries_that_match(self):
        with tempfile.TemporaryDirectory() as folder:
            jar = Path(folder, "a.jar")
            with zipfile.ZipFile(jar, "w") as made:
                for name in ("A.class", "x/libjnicublas.so", "x/libjninccl.so", "x/libc.so.9"):
                    made.writestr(name, name)
            self.assertEqual(keep(str(jar), r"libjni(cudart|cublas)\.so$"), ["x/libjnicublas.so"])
            with zipfile.ZipFile(jar) as kept:
                self.assertEqual(kept.namelist(), ["A.class", "x/libjnicublas.so"])
                self.assertEqual(kept.read("x/libjnicublas.so"), b"x/libjnicublas.so")


class FeedTest(unittest.TestCase):
    FEED = (
        "JUnit Jupiter > ATest > adds() :: STARTED\n"
        "JUnit Jupiter > ATest > adds() :: SUCCESSFUL\n"
        "JUnit Jupiter > ATest > divides(int) > [1] by=0 :: STARTED[Cleaner-1] WARN not closed\n"
        "JUnit Jupiter > ATest > divides(int) > [1] by=0 :: FAILED\n"
        "\tjava.lang.ArithmeticException: / by zero\n"
        "\t\tat ATest.divides(ATest.java:7)\n"
        "JUnit Jupiter > BTest > needsMore() :: STARTED\n"
        "JUnit Jupiter > BTest > needsMore() :: ABORTED\n"
        "\torg.opentest4j.TestAbortedException: Assumption failed: needs more\n"
        "JUnit Jupiter > BTest > never() :: SKIPPED\n"
        "\tReason: not yet\n"
    )

    def test_counts_and_tells_what_failed(self):
        status, detail = Feed(self.FEED).verdict(Ended(1, "", 3.0))
        self.assertEqual(status, FAILED)
        self.assertEqual(
            detail,
            "1 passed, 1 failed, 1 aborted, 1 skipped; "
            "ATest > divides(int) > [1] by=0: java.lang.ArithmeticException: / by zero",
        )

    def test_a_stopped_run_says_how_far_it_came(self):
        begun = "JUnit Jupiter > CTest > hangs() :: STARTED\n"
        status, detail = Feed(self.FEED[:90] + begun).verdict(Ended(None, "", 121.0))
        self.assertEqual(status, FAILED)
        self.assertEqual(
            detail, "stopped after 121 s, in CTest > hangs(); until then 1 passed, 0 failed"
        )
        self.assertIn("before the first test", Feed("").verdict(Ended(None, "", 9.0))[1])

    def test_a_crash_names_the_test(self):
        begun = "JUnit Jupiter > CTest > crashes() :: STARTED\n"
        detail = Feed(begun).verdict(Ended(-11, begun, 1.0))[1]
        self.assertIn("0 passed, 0 failed; in CTest > crashes(); ended by SIGSEGV", detail)

    def test_only_tests_that_passed_pass(self):
        self.assertEqual(Feed(self.FEED[:90]).verdict(Ended(0, "", 1.0)), (PASSED, ""))
        self.assertEqual(Feed("").verdict(Ended(0, "", 1.0)), (FAILED, "no test ran"))
        aborted = self.FEED[self.FEED.index("JUnit Jupiter > BTest") :]
        status, detail = Feed(aborted).verdict(Ended(0, "", 1.0))
        self.assertEqual(status, SKIPPED)
        self.assertIn("1 aborted, 1 skipped; BTest > needsMore(): org.opentest4j", detail)


class DealTest(unittest.TestCase):
    def test_what_takes_long_is_alone_and_comes_first(self):
        seconds = {"a": 0.5, "b": 9.0, "c": 30.0, "d": 0.9}
        self.assertEqual(deal("abcdef", seconds, 2), [["c"], ["b"], ["d", "e"], ["a", "f"]])

    def test_without_times_all_are_dealt_and_none_is_lost(self):
        self.assertEqual(deal("abc", {}, 2), [["a", "c"], ["b"]])
        self.assertEqual(deal("ab", {}, 6), [["a"], ["b"]])

    def test_finds_the_classes_that_are_tests(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a", "b").mkdir(parents=True)
            for name in ("XTest.class", "XTest$YTest.class", "TestDevice.class"):
                Path(folder, "a", "b", name).touch()
            self.assertEqual(find_tests(Path(folder)), ["a.b.XTest"])


class FamilyTest(unittest.TestCase):
    def test_every_family_of_kernels_is_run(self):
        self.assertEqual(set(compare.FAMILIES), {*compare.KERNELS, "ceilings", "mlp", "cnn"})

    def test_the_first_may_take_most_but_some_is_kept_for_each_behind(self):
        self.assertEqual(family_limit(160, 10), 45)
        self.assertEqual(family_limit(100, 8), 100 * 2 / 9)
        self.assertEqual(family_limit(60, 3), 30)
        self.assertEqual(family_limit(20, 8), 10)
        self.assertEqual(family_limit(500, 4), 200)

    def test_what_was_measured_is_saved_before_the_next_of_pytorchs_ways(self):
        comparison = compare.Comparison.__new__(compare.Comparison)
        comparison.ceilings, comparison.begun, comparison.case = None, 0, "a"
        saved = []
        row = {"ours": {"device_us": 6.0, "wall_us": 8.0}}
        comparison.save = lambda: saved.append(json.loads(json.dumps(row)))

        def measure(name):
            if name == "broken":
                raise ValueError("no")
            return {"device_us": 3.0, "wall_us": 16.0}

        comparison.measure_peers(row, ["eager", "broken", "compiled"], measure, 1, 1, "F32")
        undone = {"skipped": compare.UNDONE}
        self.assertNotIn("ratio_device", saved[0])
        self.assertEqual((saved[1]["ratio_device"], saved[1]["ratio_wall"]), (0.5, 2.0))
        self.assertEqual(saved[1]["peers"]["compiled"], undone)
        self.assertEqual(row["peers"]["broken"], {"skipped": "ValueError: no"})
        self.assertNotIn(undone, row["peers"].values())


class SanitizerTest(unittest.TestCase):
    def test_passes_only_with_a_clean_summary(self):
        clean = "========= ERROR SUMMARY: 0 errors\n"
        self.assertEqual(sanitizer_verdict(Ended(0, clean, 1.0)), (PASSED, ""))
        races = "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n"
        self.assertEqual(sanitizer_verdict(Ended(0, races, 1.0))[0], PASSED)
        self.assertEqual(sanitizer_verdict(Ended(0, "1 passed, 0 failed\n", 1.0))[0], FAILED)
        self.assertEqual(sanitizer_verdict(Ended(1, clean, 1.0))[0], FAILED)

    def test_tells_what_was_found(self):
        text = (
            "========= Invalid __global__ write of size 4 bytes\n"
            "=========     at add(float*)+0x50\n"
            "========= ERROR SUMMARY: 2 errors\n"
        )
        status, detail = sanitizer_verdict(Ended(99, text, 1.0))
        self.assertEqual(status, FAILED)
        self.assertIn("ERROR SUMMARY: 2 errors; Invalid __global__ write", detail)

    def test_a_time_limit_is_no_pass(self):
        self.assertEqual(sanitizer_verdict(Ended(None, "", 9.0))[0], SKIPPED)

    def test_finds_the_one_that_is_given(self):
        self.assertEqual(find_sanitizer(str(HERE / "run.sh")), HERE / "run.sh")


class TimingTest(unittest.TestCase):
    def test_the_floor_is_the_larger_of_bytes_and_flops(self):
        ceiling = {"copy_bytes_per_s": 1e12, "f32_flop_per_s": 1e13}
        self.assertEqual(timing.floor_us(ceiling, "F32", 2e6, 1e7), (2.0, "bytes"))
        self.assertEqual(timing.floor_us(ceiling, "F32", 2e6, 4e7), (4.0, "flops"))

    def test_sets_of_arrays_outgrow_the_caches(self):
        self.assertGreaterEqual(timing.sets_for(1 << 20, False) << 20, 256 << 20)
        self.assertEqual(timing.sets_for(1 << 30, False), 1)

    def test_calls_come_in_turn_over_all_samples(self):
        made = []
        calls = [lambda name=name: made.append(name) for name in "abc"]
        run = timing.in_turn(calls)
        run(2)
        run(3)
        self.assertEqual("".join(made), "abcab")

    def test_a_sample_repeats_what_is_short(self):
        class TenthOfAMillisecond(timing.Clock):
            @staticmethod
            def _once(run, synchronize, times):
                run(times)
                return 1e-4 * times

        made = []
        seconds, spread = TenthOfAMillisecond(False).seconds(made.append, None)
        self.assertAlmostEqual(seconds, 1e-4)
        self.assertEqual(made[-5:], [301] * 5)
        self.assertLess(sum(made[:-5]), 100)  # the warm-up


class ReportTest(unittest.TestCase):
    def test_what_was_done_is_on_disk_before_the_part_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Report(folder, {"backend": "sim"})
            report.begin("native")
            report.add("native", "a", PASSED)
            read = json.loads(Path(folder, "report.json").read_text())
            self.assertEqual(read["parts"]["native"]["items"][0]["name"], "a")
            self.assertIn("not ended", Path(folder, "report.md").read_text())
            self.assertIn("A rehearsal on `sim`", Path(folder, "report.md").read_text())

    def test_a_part_that_did_nothing_has_not_passed(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Report(folder, {"backend": "cuda"})
            report.begin("java")
            self.assertEqual(report.status("java"), FAILED)
            report.add("java", "all", SKIPPED, "no time")
            self.assertEqual((report.status("java"), report.exit_code()), (SKIPPED, 3))
            report.add("java", "one", PASSED)
            self.assertEqual((report.status("java"), report.exit_code()), (PASSED, 0))
            report.add("java", "two", FAILED, "wrong")
            self.assertEqual((report.status("java"), report.exit_code()), (FAILED, 1))

    def test_nothing_is_skipped_without_a_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Report(folder, {"backend": "cuda"})
            report.begin("java")
            with self.assertRaises(AssertionError):
                report.add("java", "all", SKIPPED)

    def test_lists_what_is_slower_than_pytorch_the_worst_first(self):
        items = [{"name": name, "row": {"ratio_device": ratio}}
                 for name, ratio in (("a", 0.5), ("b", 1.2), ("c", 0.1))]  # fmt: skip
        self.assertEqual(slower([*items, {"name": "d"}])[-2:], ["- 0.1: c", "- 0.5: a"])
        self.assertEqual(slower(items[1:2]), [])


if __name__ == "__main__":
    unittest.main()
