package dev.halfstep.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.Finding.Code;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** For many settings, findings agree with rules of thumb, measurements, and each other. */
final class AdviceGridTest {
  private static final int[] SAMPLES = {2, 4, 20, 150, 1000, 1280, 7200, 10_000, 200_000};
  private static final int[] BATCHES = {1, 4, 8, 16, 32, 64, 100, 256, 1024, 4096};
  private static final double[] RATES = {1e-4, 0.06, 3};
  private static final double[] NOISE = {Double.NaN, 0.5, 20, 1000, 1e6};
  private static final double[][] CURVES = {
    {2.3, 0.9, 0.5, 0.4, 0.395, 0.393},
    {2.3, 1.2, 2.6, 1.1, 2.4, 1.3, 2.5},
    {2.3, 2.3, 2.29, 2.29, 2.29, 2.29},
    {2.3, 2.0, 1.7, 1.4, 1.1, 0.8},
    {2.3, 2.6, 3.1, 4.0}
  };
  private static final Pattern LARGER =
      Pattern.compile("larger batch|raise the batch|[^-]batch of (at least )?\\d+");
  private static final Pattern SMALLER =
      Pattern.compile("smaller batch|lower the batch|usual one first|at most the data");
  private static final Pattern UNROUNDED = Pattern.compile("\\d\\.\\d{7,}");
  private static final Pattern SUGGESTED = Pattern.compile("such as (\\d+)");
  private static final Set<Code> ON_SIZE =
      EnumSet.of(
          Code.BATCH_OF_ONE,
          Code.BATCH_SMALL,
          Code.BATCH_LARGE,
          Code.BATCH_UNDER_NOISE,
          Code.BATCH_OVER_NOISE,
          Code.BATCH_OVER_DATA,
          Code.SMALL_BATCH_NORM);

  /** A setting for the advisor, with its findings. */
  private record Setting(
      int samples,
      int batchSize,
      double rate,
      Optimizer optimizer,
      boolean batchNorm,
      OptionalDouble noise,
      boolean measured,
      CurveAnalysis curve) {
    RulesOfThumb.Range usual() {
      return RulesOfThumb.batchSizes(RulesOfThumb.Task.OTHER, samples, batchNorm, samples);
    }

    List<Finding> findings() {
      Advisor advisor =
          Advisor.of(samples, batchSize, rate)
              .optimizer(optimizer)
              .batchNorm(batchNorm)
              .epochs(5)
              .validation(100)
              .usualBatches(usual())
              .curves(curve);
      return (measured ? advisor.noiseScale(noise) : advisor.initialNoiseScale(noise)).findings();
    }
  }

  @Test
  void noTwoFindingsContradictEachOtherOrTheRange() {
    int settings = 0;
    for (int samples : SAMPLES) {
      Set<Integer> batches = new HashSet<>(Set.of(samples));
      for (int batch : BATCHES) {
        batches.add(batch);
      }
      for (int batch : batches) {
        for (double rate : RATES) {
          for (Optimizer optimizer :
              List.of(
                  Optimizer.sgd(rate),
                  Optimizer.sgd(rate).withMomentum(0.9),
                  Optimizer.adamW(rate),
                  Optimizer.lars(rate))) {
            for (double noise : NOISE) {
              OptionalDouble scale =
                  Double.isNaN(noise) ? OptionalDouble.empty() : OptionalDouble.of(noise);
              for (int i = 0; i < 4 * CURVES.length; i++) {
                check(
                    new Setting(
                        samples,
                        batch,
                        rate,
                        optimizer,
                        i % 2 == 0,
                        scale,
                        i / 2 % 2 == 0,
                        CurveAnalysis.of(CURVES[i / 4], CURVES[i / 4])));
                settings++;
              }
            }
          }
        }
      }
    }
    assertTrue(settings > 50_000, settings + " settings");
  }

  private static boolean says(List<Finding> findings, Pattern pattern) {
    return findings.stream().anyMatch(finding -> pattern.matcher(finding.advice()).find());
  }

  private static boolean says(List<Finding> findings, String text) {
    return findings.stream().anyMatch(finding -> finding.advice().contains(text));
  }

  private static void check(Setting setting) {
    List<Finding> findings = setting.findings();
    String all = setting + " raises " + findings;
    Set<Code> codes = findings.stream().map(Finding::code).collect(Collectors.toSet());
    assertEquals(findings.size(), codes.size(), all);
    assertFalse(says(findings, LARGER) && says(findings, SMALLER), all);
    boolean lowers = says(findings, "lower the rate") || says(findings, "lower the learning rate");
    assertFalse(lowers && says(findings, "raise the learning rate"), all);
    codes.retainAll(ON_SIZE);
    RulesOfThumb.Range usual = setting.usual();
    int batch = setting.batchSize();
    double noise = setting.noise().orElse(Double.NaN);
    boolean isUsual = batch >= usual.least() && batch <= usual.most();
    boolean measuredFarBelow = setting.measured() && batch > 10 * noise;
    if (isUsual && !(10 * batch < noise) && !measuredFarBelow && batch > 1) {
      assertEquals(
          setting.batchNorm() && batch < 16 ? Set.of(Code.SMALL_BATCH_NORM) : Set.of(), codes, all);
    }
    if (!isUsual && !measuredFarBelow) {
      if (codes.contains(Code.BATCH_UNDER_NOISE)) {
        codes.remove(Code.SMALL_BATCH_NORM); // both codes have the same cause
      }
      assertEquals(1, codes.size(), all);
    }
    if (measuredFarBelow && batch > usual.least() && batch <= setting.samples()) {
      assertTrue(codes.contains(Code.BATCH_OVER_NOISE), all);
    }
    for (Finding finding : findings) {
      assertFalse(UNROUNDED.matcher(finding.evidence()).find(), all);
      Matcher suggested = SUGGESTED.matcher(finding.advice());
      if (suggested.find()) {
        int size = Integer.parseInt(suggested.group(1));
        int last = setting.samples() % size;
        assertTrue(size >= usual.least() && size <= usual.most(), all);
        assertTrue(last == 0 || 2 * last >= size, all);
      }
    }
  }
}
