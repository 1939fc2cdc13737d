package dev.halfstep.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.CurveAnalysis.Verdict;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.study.Finding.Severity;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each mistake gives exactly its finding, and a clean run gives none. */
final class AdvisorTest {
  private static final double[] FALLING =
      DoubleStream.of(2.3, 0.9, 0.5, 0.4, 0.395, 0.393).toArray();

  private static Advisor clean() {
    return Advisor.of(7200, 64, 0.001)
        .epochs(30)
        .validation(800)
        .gradientNorms(1, 2, 0.5, 0.7)
        .lossScales(65536, 32768, 65536)
        .noiseScale(OptionalDouble.of(200))
        .curves(CurveAnalysis.of(FALLING, FALLING));
  }

  private static void only(Code code, Severity severity, Advisor advisor) {
    List<Finding> findings = advisor.findings();
    assertEquals(List.of(code), findings.stream().map(Finding::code).toList(), "" + findings);
    assertEquals(severity, findings.get(0).severity());
    assertTrue(!findings.get(0).evidence().isBlank() && !findings.get(0).advice().isBlank());
  }

  private static Advisor of(int samples, int batchSize, double rate) {
    return Advisor.of(samples, batchSize, rate).epochs(5).validation(100);
  }

  @Test
  void aCleanRunRaisesNothing() {
    assertEquals(List.of(), clean().findings());
    assertEquals(List.of(), clean().batchNorm(true).findings());
  }

  @Test
  void sizes() {
    only(Code.SHORT_LAST_BATCH, Severity.WARNING, of(641, 64, 0.001));
    only(Code.SHORT_LAST_BATCH, Severity.ERROR, of(641, 64, 0.001).batchNorm(true));
    assertEquals(List.of(), of(641, 64, 0.001).batchNorm(true).dropLast(true).findings());
    only(Code.SMALL_BATCH_NORM, Severity.WARNING, of(640, 8, 0.001).batchNorm(true));
    only(Code.SMALL_BATCH_NORM, Severity.WARNING, of(640, 64, 0.001).microBatch(8).batchNorm(true));
    only(Code.BATCH_OF_ONE, Severity.WARNING, of(640, 1, 0.001));
    only(Code.BATCH_OVER_DATA, Severity.ERROR, of(100, 128, 0.001));
    only(Code.WINDOW_OVER_EPOCH, Severity.ERROR, of(100, 128, 0.001).microBatch(32));
    only(Code.NO_VALIDATION, Severity.WARNING, clean().validation(0));
    assertEquals(List.of(), clean().epochs(2).validation(0).findings());
  }

  @Test
  void aLastBatchOfLessThanHalfIsSaid() {
    Advisor guide = of(1000, 32, 0.001); // 31 batches and 8 samples
    only(Code.SHORT_LAST_BATCH, Severity.NOTE, guide);
    Finding finding = guide.findings().get(0);
    assertEquals(
        "the last batch of an epoch has 8 of 32 samples, and its update counts as much",
        finding.evidence());
    assertEquals("drop the last batch, or take another batch size such as 35", finding.advice());
    assertEquals(List.of(), of(1008, 32, 0.001).findings(), "half of it");
    assertEquals(List.of(), guide.dropLast(true).findings());
  }

  @Test
  void sizesOutsideOfWhatIsUsual() {
    only(Code.BATCH_SMALL, Severity.NOTE, of(7200, 4, 0.001));
    only(Code.BATCH_LARGE, Severity.NOTE, of(8192, 4096, 0.001));
    RulesOfThumb.Range images = new RulesOfThumb.Range(32, 128);
    only(Code.BATCH_SMALL, Severity.NOTE, of(7200, 16, 0.001).usualBatches(images));
    only(Code.BATCH_LARGE, Severity.NOTE, of(7168, 256, 0.001).usualBatches(images));
    assertEquals(List.of(), of(7168, 128, 0.001).usualBatches(images).findings());
    only(Code.BATCH_OVER_MEMORY, Severity.ERROR, of(7200, 64, 0.001).largestBatch(50));
    only(Code.EPOCHS_UNUSUAL, Severity.NOTE, clean().usualEpochs(new RulesOfThumb.Range(50, 100)));
    only(Code.EPOCHS_UNUSUAL, Severity.NOTE, clean().usualEpochs(new RulesOfThumb.Range(3, 10)));
    assertEquals(List.of(), clean().usualEpochs(new RulesOfThumb.Range(20, 50)).findings());
    // The scale is smallest at the initial weights, so it is no argument against 64.
    assertEquals(List.of(), of(7200, 64, 0.001).initialNoiseScale(OptionalDouble.of(2)).findings());
    only(
        Code.BATCH_OVER_NOISE,
        Severity.NOTE,
        of(8192, 4096, 0.001).initialNoiseScale(OptionalDouble.of(2)));
    only(
        Code.BATCH_UNDER_NOISE,
        Severity.NOTE,
        of(7200, 4, 0.001).initialNoiseScale(OptionalDouble.of(50)));
  }

  @Test
  void aRateThatIsFarTooHighIsFoundWithAnyBatch() {
    only(Code.HIGH_RATE, Severity.WARNING, of(640, 64, 3));
    Optimizer momentum = Optimizer.sgd(0.5).withMomentum(0.9);
    only(Code.HIGH_RATE, Severity.WARNING, of(640, 64, 0.5).optimizer(momentum));
    Finding finding = of(640, 64, 0.5).optimizer(momentum).findings().get(0);
    assertEquals("a learning rate of 0.5 with a batch of 64", finding.evidence());
    assertEquals(
        "lower the rate to at most 0.2, or find one with the learning-rate finder",
        finding.advice());
    only(Code.HIGH_RATE, Severity.WARNING, of(640, 64, 0.1).optimizer(Optimizer.adam(0.1)));
    only(Code.HIGH_RATE_SMALL_BATCH, Severity.WARNING, of(640, 32, 3).optimizer(momentum));
    for (Optimizer usual :
        List.of(
            Optimizer.sgd(0.1).withMomentum(0.9),
            Optimizer.adamW(0.001),
            Optimizer.lars(1),
            Optimizer.lamb(0.01))) {
      assertEquals(
          List.of(), of(640, 64, usual.learningRate()).optimizer(usual).findings(), "" + usual);
    }
    assertEquals(List.of(), of(640, 32, 0.1).optimizer(Optimizer.lars(0.1)).findings());
    // The rate 0.1 for batches of 256, scaled linearly.
    Optimizer scaled = Optimizer.sgd(1.6).withMomentum(0.9);
    only(Code.BATCH_LARGE, Severity.NOTE, of(8192, 4096, 1.6).optimizer(scaled));
    assertTrue(
        of(640, 32, Optimizer.adam(0.1).learningRate())
            .findings()
            .get(0)
            .evidence()
            .startsWith("a learning rate of 0.1 with"),
        "rounded");
  }

  @Test
  void aModelThatIsNoBetterThanChanceIsNotTrainedLonger() {
    double[] falling = {0.7, 0.65, 0.6, 0.55, 0.5, 0.45};
    Advisor improving = clean().curves(CurveAnalysis.of(falling, falling));
    only(Code.STILL_IMPROVING, Severity.NOTE, improving.accuracy(0.52, 400));
    int[] labels = IntStream.range(0, 64).map(i -> i % 2).toArray();
    Advisor known = improving.trainingData(data(labels));
    only(Code.AT_CHANCE, Severity.WARNING, known.accuracy(0.52, 400));
    assertEquals(
        "52.0 % of 400 samples are right at best, and naming the largest class would be for 50.0 %",
        known.accuracy(0.52, 400).findings().get(0).evidence());
    only(Code.STILL_IMPROVING, Severity.NOTE, known.accuracy(0.56, 400));
    int[] skewed = IntStream.range(0, 64).map(i -> i % 16 == 0 ? 1 : 0).toArray();
    only(
        Code.AT_CHANCE, Severity.WARNING, improving.trainingData(data(skewed)).accuracy(0.93, 400));
    int[] single = new int[64];
    only(
        Code.STILL_IMPROVING, Severity.NOTE, improving.trainingData(data(single)).accuracy(1, 400));
    double[] flat = {2.3, 2.3, 2.29, 2.29, 2.29, 2.29};
    only(
        Code.FLAT_LOSS,
        Severity.WARNING,
        known.curves(CurveAnalysis.of(flat, flat)).accuracy(0.5, 400));
  }

  @Test
  void remediesKeepToWhatOtherFindingsSay() {
    double[] jumping = {2.3, 1.2, 2.6, 1.1, 2.4, 1.3, 2.5};
    CurveAnalysis oscillating = CurveAnalysis.of(jumping, jumping);
    assertEquals(
        "raise the batch size or lower the learning rate", advice(clean().curves(oscillating)));
    Advisor large = of(8192, 4096, 0.001).curves(oscillating);
    assertEquals("lower the learning rate", advice(large));
    double[] still = {2.3, 2.3, 2.29, 2.29, 2.29, 2.29};
    CurveAnalysis flat = CurveAnalysis.of(still, still);
    assertEquals(
        "lower the batch size, raise the learning rate, or take a larger model",
        advice(clean().curves(flat)));
    assertEquals(
        "raise the learning rate or take a larger model", advice(of(7200, 4, 0.001).curves(flat)));
    assertEquals(
        "lower the batch size or take a larger model", advice(of(640, 64, 3).curves(flat)));
  }

  /** The advice of the finding on the curves. */
  private static String advice(Advisor advisor) {
    return advisor.findings().stream()
        .filter(f -> f.code() == Code.OSCILLATING_LOSS || f.code() == Code.FLAT_LOSS)
        .map(Finding::advice)
        .findFirst()
        .orElse("none");
  }

  @Test
  void figuresAreRounded() {
    assertEquals("0.1", Figures.of(0.1f));
    assertEquals("0", Figures.of(0));
    assertEquals("65536", Figures.of(65536));
    assertEquals("3", Figures.of(3));
    assertEquals("0.00003", Figures.of(3e-5f));
    assertEquals("1E-8", Figures.of(1e-8));
    assertEquals("NaN", Figures.of(Double.NaN));
  }

  @Test
  void rates() {
    only(Code.HIGH_RATE_SMALL_BATCH, Severity.WARNING, of(640, 32, 0.06));
    assertEquals(List.of(), of(640, 64, 0.06).findings());
    only(Code.BATCH_WITHOUT_RATE, Severity.WARNING, clean().rateChosenFor(32));
    only(Code.BATCH_UNDER_NOISE, Severity.NOTE, clean().noiseScale(OptionalDouble.of(641)));
    only(Code.BATCH_OVER_NOISE, Severity.NOTE, clean().noiseScale(OptionalDouble.of(6.3)));
    assertEquals(List.of(), clean().noiseScale(OptionalDouble.empty()).findings());
    only(Code.SLOW_LOADER, Severity.WARNING, clean().waitingForData(0.5));
    only(Code.LOSS_SCALE_COLLAPSING, Severity.WARNING, clean().lossScales(65536, 256, 8));
  }

  @Test
  void anOrderThatIsSortedByClass() {
    int[] sorted = IntStream.range(0, 64).map(i -> i / 16).toArray();
    int[] mixed = IntStream.range(0, 64).map(i -> i % 4).toArray();
    only(Code.NOT_SHUFFLED, Severity.ERROR, clean().inOrder(data(sorted)));
    assertEquals(List.of(), clean().inOrder(data(mixed)).findings());
  }

  @Test
  void partsThatAreNotLikeTheTrainingSamples() {
    int[] sorted = IntStream.range(0, 64).map(i -> i / 16).toArray();
    int[] mixed = IntStream.range(0, 64).map(i -> i % 4).toArray();
    double[] down = {2.3, 2, 1.7, 1.4, 1.1, 0.8};
    Advisor improving = clean().curves(CurveAnalysis.of(down, down));
    only(Code.STILL_IMPROVING, Severity.NOTE, improving);
    // Longer training does not help there, and is not advised.
    Advisor cut =
        improving.heldOut("validation", data(sorted).slice(0, 48), data(sorted).slice(48, 64));
    only(Code.CLASSES_NOT_TRAINED, Severity.ERROR, cut);
    Finding finding = cut.findings().get(0);
    assertEquals(
        "validation holds classes that training lacks: 3, 16 of its 16 samples",
        finding.evidence());
    assertTrue(finding.advice().contains("Dataset.split"), finding.advice());
    Advisor drawn = clean().heldOut("test", data(mixed).slice(0, 48), data(mixed).slice(48, 64));
    assertEquals(List.of(), drawn.findings());
    int[] rare = IntStream.range(0, 64).map(i -> i == 63 ? 3 : i % 3).toArray();
    only(
        Code.CLASSES_NOT_TRAINED,
        Severity.WARNING,
        clean().heldOut("test", data(rare).slice(0, 48), data(rare).slice(32, 64)));
    int[] all =
        IntStream.range(0, 640).map(i -> i < 320 ? i % 4 : i % 32 < 4 ? i % 4 : 3).toArray();
    only(
        Code.PARTS_DIFFER,
        Severity.WARNING,
        clean().heldOut("test", data(all).slice(0, 320), data(all).slice(320, 640)));
  }

  private static Dataset data(int[] labels) {
    return ArrayDataset.of(
        "labels", Features.of(new float[labels.length][1]), Labels.of(labels, 4));
  }

  @Test
  void gradients() {
    only(Code.GRADIENTS_ZERO, Severity.ERROR, clean().gradientNorms(0, 0, 0));
    only(Code.GRADIENTS_VANISHING, Severity.WARNING, clean().gradientNorms(1e-8, 2e-8));
    only(Code.GRADIENTS_EXPLODING, Severity.WARNING, clean().gradientNorms(1, 1, 2, 5000));
    only(Code.GRADIENTS_NOT_FINITE, Severity.ERROR, clean().gradientNorms(1, Double.NaN, 1));
    double infinite = Double.POSITIVE_INFINITY;
    only(Code.GRADIENTS_NOT_FINITE, Severity.ERROR, clean().gradientNorms(1, infinite));
  }

  private static Advisor curves(double[] train, double... validation) {
    return clean().curves(CurveAnalysis.of(train, validation));
  }

  @Test
  void curves() {
    double[] down = {2.3, 1.5, 1.0, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1};
    only(
        Code.OVERFITTING,
        Severity.WARNING,
        curves(down, 2.2, 1.5, 1.1, 0.8, 0.8, 0.9, 1.1, 1.3, 1.5));
    Advisor stopped = curves(down, 2.2, 1.5, 1.1, 0.8, 0.8, 0.9, 1.1, 1.3, 1.5).stoppedEarly(true);
    assertEquals(List.of(), stopped.findings());
    only(
        Code.STILL_IMPROVING,
        Severity.NOTE,
        curves(new double[] {2.3, 2, 1.7, 1.4, 1.1, 0.8}, 2.3, 2, 1.7, 1.4, 1.1, 0.8));
    // The loss falls at the end, but only back to earlier values.
    double[] back = {2.3, 0.9, 0.5, 0.4, 0.39, 0.38, 0.37, 0.36};
    assertEquals(List.of(), curves(back, 2.2, 0.9, 0.4, 0.38, 0.39, 0.5, 0.47, 0.44).findings());
    double[] jumping = {2.3, 1.2, 2.6, 1.1, 2.4, 1.3, 2.5};
    only(Code.OSCILLATING_LOSS, Severity.WARNING, curves(jumping, jumping));
    double[] flat = {2.3, 2.3, 2.29, 2.29, 2.29, 2.29};
    only(Code.FLAT_LOSS, Severity.WARNING, curves(flat, flat));
    double[] rising = {2.3, 2.6, 3.1, 4.0};
    only(Code.GRADIENTS_EXPLODING, Severity.ERROR, curves(rising, rising));
    double[] broken = {2.3, 2.6, Double.NaN};
    only(Code.GRADIENTS_NOT_FINITE, Severity.ERROR, curves(broken, 2.3, 2.6, 2.7));
  }

  @Test
  void verdictsComeWithTheirEvidence() {
    CurveAnalysis converged = CurveAnalysis.of(FALLING, FALLING);
    assertEquals(Verdict.CONVERGED, converged.verdict());
    assertTrue(converged.evidence().contains("2.3000 to 0.3930"), converged.evidence());
    assertEquals(0, converged.gap(), 1e-12);
    double[] none = {Double.NaN, Double.NaN, Double.NaN, Double.NaN};
    CurveAnalysis unvalidated = CurveAnalysis.of(new double[] {2, 1, 0.99, 0.99}, none);
    assertTrue(Double.isNaN(unvalidated.gap()));
    double[] two = {1, 2};
    assertEquals(Verdict.TOO_SHORT, CurveAnalysis.of(two, two).verdict());
  }
}
