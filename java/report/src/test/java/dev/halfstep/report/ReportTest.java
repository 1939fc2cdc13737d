package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Features;
import dev.halfstep.data.Split;
import dev.halfstep.data.Values;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.Finding;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A report has what the trainer and its history say. */
final class ReportTest {
  private static final Split DIGITS = Digits.generate(320, 100, 0);

  @TempDir Path folder;

  private static TrainerBuilder digits() {
    Model model =
        Model.of(DIGITS.train().sampleShape(), Sequential.of(new Flatten(), new Linear(10)));
    return Trainer.builder(model, DIGITS.train())
        .validation(DIGITS.heldOut().slice(0, 60))
        .test(DIGITS.heldOut().slice(60, 100))
        .session(options -> options.device("cpu"))
        .optimizer(Optimizer.sgd(0.05).withMomentum(0.9))
        .batchSize(30)
        .epochs(2)
        .seed(7);
  }

  private JsonNode written(JsonDocument document) throws IOException {
    Path file = folder.resolve("document.json");
    document.write(file);
    return new ObjectMapper().readTree(file.toFile());
  }

  @Test
  void theReportOfARunIsWhatItsHistorySays() throws IOException {
    Trainer trainer = digits().session(o -> o.microBatch(16).clipNorm(2)).dropLast(true).build();
    History history = trainer.fit();
    Report report = Report.of(trainer, history);
    assertEquals("sgd, learning rate 0.05, momentum 0.9", report.optimizer().described());
    assertEquals(
        "micro-batch 16, short last batches left out, clip 2.0", report.recipe().described());
    assertEquals(new Report.Samples(320, 60, 40), report.samples());
    assertEquals(7850, report.parameters());
    assertEquals("cpu", report.device());
    assertEquals("fp32", report.precision());
    assertEquals(7, report.seed());
    assertEquals(DIGITS.train().name(), report.data());
    assertEquals("Sequential 0: Flatten 1: Linear(10)", report.model());
    assertEquals(10, report.plan().updatesPerEpoch());
    assertEquals(20L, report.plan().totalUpdates());
    assertEquals(history.bestEpoch(), report.bestEpoch());
    assertNull(report.target());
    for (int i = 0; i < 2; i++) {
      EpochRecord epoch = history.epochs().get(i);
      Report.Epoch reported = report.epochs().get(i);
      assertEquals(epoch.train().loss(), reported.trainLoss());
      assertEquals(epoch.validation().orElseThrow().accuracy(), reported.valAccuracy());
      assertNull(reported.valF1());
      assertEquals(epoch.gradients().norm(), reported.gradients().norm());
    }
    JsonNode json = written(report);
    assertEquals(1, json.at("/schema").asInt());
    assertEquals(
        history.test().orElseThrow().accuracy(), json.at("/test/accuracy").asDouble(), 1e-6);
    assertTrue(json.at("/test").has("rmse") && json.at("/test/rmse").isNull());
    assertTrue(json.at("/recipe/schedule").isNull());
    assertEquals(2, json.at("/epochs").size());
  }

  @Test
  void theErrorOfNumbersIsInTheirOwnUnits() {
    // y = x with weights of 0: the loss is the mean of y squared, and nothing is explained.
    float[][] x = {{3}, {-3}, {1}, {-1}};
    Dataset data = ArrayDataset.of("line", Features.of(x), Values.of(x));
    Model model = Model.of(Shape.of(1), new Linear(1)).initialize(0);
    model.weights(new float[model.weights().length]);
    Trainer trainer =
        Trainer.builder(model, data)
            .session(options -> options.device("cpu"))
            .loss(Loss.meanSquaredError())
            .optimizer(Optimizer.sgd(1e-30))
            .test(data)
            .batchSize(4)
            .epochs(1)
            .build();
    Report report = Report.of(trainer, trainer.fit());
    assertEquals(new Report.Target("target", 0, 1), report.target());
    assertNotNull(report.test());
    assertEquals(5, report.test().loss(), 1e-6);
    assertEquals(Math.sqrt(5), report.test().rmse(), 1e-6);
    assertEquals(0, report.test().r2(), 1e-6);
    assertNull(report.test().accuracy());
    assertNull(report.epochs().get(0).trainAccuracy());
  }

  @Test
  void aDescriptionNamesWhatTheTrainerDoesNotKnow() {
    try (Device device = Device.cpu()) {
      Trainer trainer =
          digits().device(device).session(options -> options.storage(DType.BF16)).build();
      RunDescription run =
          RunDescription.of(trainer).withData("mnist:/data/mnist").withModel("one layer");
      Report report = Report.of(trainer, trainer.fit(), run);
      assertEquals("mnist:/data/mnist", report.data());
      assertEquals("one layer", report.model());
      assertEquals("bf16", report.precision());
    }
  }

  @Test
  void thePlanOfARunNamesItsCallsAndMistakes() throws IOException {
    Trainer trainer = digits().batchSize(1).build();
    PlanReport plan = PlanReport.of(trainer);
    assertEquals(trainer.plan().step().calls().size(), plan.calls().size());
    assertEquals(
        trainer.plan().flops(),
        plan.calls().stream().mapToLong(PlanReport.KernelCall::flops).sum());
    assertTrue(
        plan.findings().stream().anyMatch(f -> f.code() == Finding.Code.BATCH_OF_ONE),
        plan.findings().toString());
    assertEquals(640, written(plan).at("/plan/totalUpdates").asInt());
    String summary = PlanReport.summary(trainer);
    assertTrue(summary.contains("2 epochs x 320 updates = 640 updates, batch size 1"), summary);
    assertTrue(summary.contains("320 samples to train, 60 to validate, 40 to test"), summary);
  }

  @Test
  void aBatchThatGrowsWithoutTheRateIsJudgedWhereItIsLargest() {
    Recipe none = Recipe.of(digits().build().options());
    List<String> without = List.of("warmup:4,1", "responsive:5,40");
    for (String schedule :
        List.of("constant", "double:1", "one-cycle", "warmup:4,1", "responsive:5,40")) {
      for (String scaling : List.of("none", "linear")) {
        Recipe recipe =
            new Recipe(null, false, "constant", 0, scaling, schedule, null, null, null, null, null);
        assertEquals(
            scaling.equals("none") && without.contains(schedule),
            recipe.changesBatchWithoutRate(),
            scaling + " " + schedule);
      }
    }
    assertEquals(false, none.changesBatchWithoutRate());
  }
}
