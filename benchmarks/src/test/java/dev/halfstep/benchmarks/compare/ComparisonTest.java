package dev.halfstep.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.benchmarks.compare.ForkRecord.Measurement;
import dev.halfstep.benchmarks.harness.Work;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final String WORK = "mlp/64";

  private final List<ForkRecord> forks = new ArrayList<>();

  private void fork(int round, String contender, String setting, double micros, double check) {
    Measurement measured =
        new Measurement(contender, "1", WORK, setting, micros, micros, 9, List.of(check));
    forks.add(new ForkRecord("mlp", round, contender, "now", 1, List.of(measured)));
  }

  private void ceilings(double gflops, double gbPerSecond) {
    List<Measurement> both =
        List.of(
            new Measurement("machine", "", "gflops", "", gflops, gflops, 1, List.of()),
            new Measurement("machine", "", "gb_per_s", "", gbPerSecond, gbPerSecond, 1, List.of()));
    forks.add(new ForkRecord("mlp", 1, "machine", "now", 1, both));
  }

  @Test
  void ratiosAreOfTheSameRoundAndOfThePeersBestSetting() {
    for (int round = 1; round <= 11; round++) {
      double noise = 1 + 0.1 * round; // the machine slows down, for all alike
      fork(round, "halfstep", "2 threads", 100 * noise, 0.7);
      fork(round, "peer", "1 thread", 320 * noise, 0.7001);
      fork(round, "peer", "2 threads", 900 * noise, 0.7);
    }
    ceilings(200, 20);
    Comparison comparison = new Comparison(forks);
    String row = new Report(comparison).training(Work.Kind.MLP).markdown();
    assertTrue(row.contains("(1 thread) | 3.20 [3.20, 3.20] |"), row);
    String target = new Report(comparison).targets().markdown();
    assertTrue(target.contains("| 3.00 | 3.20 [3.20, 3.20] | reached |"), target);
    assertEquals(List.of(), comparison.differences(Work.parse(WORK), "halfstep"));
  }

  @Test
  void otherResultsThanHalfstepsAreNamed() {
    fork(1, "halfstep", "2 threads", 100, 0.7);
    fork(1, "peer", "2 threads", 100, 0.71);
    fork(1, "lost", "2 threads", 100, Double.NaN);
    List<String> differences = new Comparison(forks).differences(Work.parse(WORK), "halfstep");
    assertEquals(2, differences.size(), differences.toString());
    assertTrue(differences.get(0).contains("peer found [0.71]"), differences.toString());
  }
}
