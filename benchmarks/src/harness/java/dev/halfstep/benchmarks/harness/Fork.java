package dev.halfstep.benchmarks.harness;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One process of the comparison: times one contender at works and prints a line of JSON for each
 * work and setting,
 *
 * <pre>{@code
 * {"contender":"djl","version":"...","work":"mlp/64","setting":"2 threads","micros":681.2,
 *  "best":660.1,"samples":31,"check":[0.69,...]}
 * }</pre>
 *
 * where micros is the time of one step or call, the median of samples of several runs each, and
 * check holds numbers of the first run's result, on which all contenders must agree.
 */
public final class Fork {
  private static final int CHECKED = 4;
  private static final int LEAST_SAMPLES = 3;
  private static final int MOST_TIMES = 4;
  private static final double SAMPLE_SECONDS = 2e-3;

  private final Contender contender;
  private final double seconds;

  private Fork(Contender contender, double seconds) {
    this.contender = contender;
    this.seconds = seconds;
  }

  /**
   * Runs.
   *
   * @param arguments {@code SECONDS WORK[=SETTING] ...}: the seconds of warm-up and of measurement
   *     for each work, and the works; a work without a setting is timed in all settings
   */
  public static void main(Contender contender, String... arguments) {
    Fork fork = new Fork(contender, Double.parseDouble(arguments[0]));
    for (String argument : Arrays.copyOfRange(arguments, 1, arguments.length)) {
      String[] parts = argument.split("=", 2);
      Work work = Work.parse(parts[0]);
      List<String> settings = parts.length > 1 ? List.of(parts[1]) : contender.settings(work);
      boolean once = work.kind() == Work.Kind.FIRST_STEP; // a process has one first step
      for (String setting : once && settings.size() > 1 ? settings.subList(0, 1) : settings) {
        fork.time(work, setting);
      }
    }
  }

  private void time(Work work, String setting) {
    if (!work.isTraining()) {
      try (Contender.Kernel kernel = contender.kernel(work, setting)) {
        kernel.run();
        float[] check = spread(kernel.result());
        measure(work, setting, kernel::run, check);
      }
      return;
    }
    int batch = work.size(0);
    int[] order = IntStream.range(0, Work.SAMPLES).toArray();
    try (Contender.Training training = contender.training(work, setting)) {
      if (work.kind() == Work.Kind.FIRST_STEP) {
        float[] check = training.train(Arrays.copyOf(order, batch));
        long started = ManagementFactory.getRuntimeMXBean().getStartTime();
        double micros = 1e3 * (System.currentTimeMillis() - started);
        print(work, setting, new double[] {micros}, check);
        return;
      }
      int checked = Math.min(CHECKED, work.steps());
      float[] check = training.train(Arrays.copyOf(order, checked * batch));
      Random random = new Random(1);
      measure(
          work,
          setting,
          () -> {
            Inputs.shuffle(order, random);
            training.train(
                work.steps() * batch == order.length
                    ? order
                    : Arrays.copyOf(order, work.steps() * batch));
          },
          check);
    }
  }

  private void measure(Work work, String setting, Runnable run, float[] check) {
    int runs = 1;
    double once = secondsOf(run, 1);
    for (double spent = once; spent < seconds; ) {
      once = secondsOf(run, runs);
      spent += once * runs;
      runs = (int) Math.max(1, Math.min(1e6, SAMPLE_SECONDS / once));
    }
    List<Double> samples = new ArrayList<>();
    for (double spent = 0;
        spent < seconds || (samples.size() < LEAST_SAMPLES && spent < MOST_TIMES * seconds); ) {
      double sample = secondsOf(run, runs);
      samples.add(sample * 1e6 / work.steps());
      spent += sample * runs;
    }
    print(work, setting, samples.stream().mapToDouble(x -> x).sorted().toArray(), check);
  }

  /** Of one of these runs. */
  private static double secondsOf(Runnable run, int runs) {
    long start = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      run.run();
    }
    return 1e-9 * (System.nanoTime() - start) / runs;
  }

  /** A few of many numbers. */
  private static float[] spread(float[] values) {
    float[] some = new float[Math.min(2 * CHECKED, values.length)];
    for (int i = 0; i < some.length; i++) {
      some[i] = values[(int) ((long) i * values.length / some.length)];
    }
    return some;
  }

  private void print(Work work, String setting, double[] sorted, float[] check) {
    System.out.println(
        String.format(
            Locale.ROOT,
            "{\"contender\":\"%s\",\"version\":\"%s\",\"work\":\"%s\",\"setting\":\"%s\","
                + "\"micros\":%.3f,\"best\":%.3f,\"samples\":%d,\"check\":[%s]}",
            contender.name(),
            contender.version(),
            work,
            setting,
            (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2,
            sorted[0],
            sorted.length,
            IntStream.range(0, check.length)
                .mapToObj(i -> Float.isFinite(check[i]) ? Float.toString(check[i]) : "null")
                .collect(Collectors.joining(","))));
    System.out.flush();
  }
}
