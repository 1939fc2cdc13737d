package dev.halfstep.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.Split;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.Finding.Code;
import dev.halfstep.train.EarlyStopping;
import dev.halfstep.train.History;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Runs on the real digits, if they are available: the advice, and the effect of the precision. */
final class MnistRunsTest {
  private static Split data;
  private static Split parts;
  private static Device device;

  @BeforeAll
  static void load() throws Exception {
    Path folder = Path.of(System.getProperty("halfstep.data", "../shared/data"), "mnist");
    assumeTrue(
        Files.isDirectory(folder),
        "skipped: no folder " + folder + "; set -Dhalfstep.data=<folder that holds mnist>");
    data = Mnist.load(folder);
    parts = data.train().split(0.1, 0);
    device = TestDevice.open();
  }

  @AfterAll
  static void close() {
    if (device != null) {
      device.close();
    }
  }

  private static Model model() {
    return Model.of(
        data.train().sampleShape(),
        Sequential.of(
            new Flatten(),
            new Linear(256),
            new ReLU(),
            new Linear(128),
            new ReLU(),
            new Linear(10)));
  }

  private static TrainerBuilder trainer(Model model, long seed) {
    return Trainer.builder(model.initialize(seed), parts.train())
        .device(device)
        .validation(parts.heldOut())
        .test(data.heldOut())
        .optimizer(Optimizer.adamW(0.001))
        .batchSize(64)
        .seed(seed);
  }

  private static History run(Optimizer optimizer) {
    return trainer(model(), 1).optimizer(optimizer).epochs(4).fit();
  }

  private static List<Finding> findings(History history) {
    return Advisor.of(parts.train().size(), 64, 0.001)
        .epochs(history.epochs().size())
        .validation(parts.heldOut().size())
        .history(history)
        .findings();
  }

  private static List<Code> codes(History history) {
    return findings(history).stream().map(Finding::code).toList();
  }

  @Test
  void aCleanRunRaisesNothing() {
    TrainerBuilder clean =
        trainer(model(), 1)
            .epochs(20)
            .gradientNoise(true)
            .session(options -> options.gradientNorm(true))
            .earlyStopping(EarlyStopping.on(Metric.VAL_LOSS, 2));
    History history = clean.fit();
    assertTrue(history.test().orElseThrow().accuracy() > 0.94, "" + history.test());
    assertEquals(List.of(), findings(history));
  }

  @Test
  void whatIsWrongWithARunIsFoundInIt() {
    // The outputs of the second layer are always 0, and the bias after it is frozen.
    Model dead = model().initialize(1);
    float[] bias = new float[128];
    Arrays.fill(bias, -1000);
    dead.set("3.bias", bias);
    History nothing =
        Trainer.builder(dead.freeze("5.bias"), parts.train())
            .device(device)
            .validation(parts.heldOut())
            .batchSize(64)
            .epochs(3)
            .fit();
    assertEquals(List.of(Code.GRADIENTS_ZERO), codes(nothing));
    assertEquals(List.of(Code.GRADIENTS_NOT_FINITE), codes(run(Optimizer.sgd(1e4))));
    assertEquals(List.of(Code.FLAT_LOSS), codes(run(Optimizer.sgd(1e-6))));
    assertEquals(List.of(Code.STILL_IMPROVING), codes(run(Optimizer.sgd(0.003))));
  }

  /** Over 5 paired seeds, BF16 and FP16 must be within 0.5 points of FP32. */
  @Test
  void halfPrecisionLearnsAsMuch() {
    DType[] types = {DType.F32, DType.BF16, DType.F16};
    double[] means = new double[3];
    for (int t = 0; t < 3; t++) {
      DType storage = types[t];
      for (long seed = 1; seed <= 5; seed++) {
        History history =
            trainer(model(), seed).epochs(3).session(options -> options.storage(storage)).fit();
        means[t] += 100 * history.test().orElseThrow().accuracy() / 5;
      }
    }
    assertTrue(means[0] > 92, "F32 does not learn: " + means[0]);
    assertEquals(means[0], means[1], 0.5, "BF16");
    assertEquals(means[0], means[2], 0.5, "F16");
  }
}
