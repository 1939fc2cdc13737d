"""Tests of the kit itself, without a device: python3 -m unittest discover benchmarks/gpu"""

import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "kit"))

import halfstep  # noqa: E402
import process  # noqa: E402
import timing  # noqa: E402
from parts import find_sanitizer, sanitizer_verdict  # noqa: E402
from process import Ended  # noqa: E402
from report import FAILED, PASSED, SKIPPED, Report  # noqa: E402

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

    def test_names_the_signal_that_ended_a_program(self):
        self.assertIn("SIGSEGV", self.run_shell("kill -SEGV $$").fault())


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


if __name__ == "__main__":
    unittest.main()
