package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.halfstep.Shape;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that study a run: lr-find, study, advise. */
final class StudyCommandsTest {
  @TempDir Path folder;

  private CliRun run(String command, String... options) {
    return runOn("random", command, options);
  }

  private CliRun runOn(String data, String command, String... options) {
    List<String> args =
        new ArrayList<>(List.of(command, "--data", data, "--model", "mlp:8", "--device", "cpu"));
    args.addAll(List.of("--json", folder.resolve("out.json").toString()));
    args.addAll(List.of(options));
    CliRun run = CliRun.of(args.toArray(String[]::new));
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    return run;
  }

  private JsonNode json() throws IOException {
    return new ObjectMapper().readTree(folder.resolve("out.json").toFile());
  }

  private Path figure() {
    return folder.resolve("figure.png");
  }

  @Test
  void lrFindSuggestsARateAndDrawsIt() throws IOException {
    CliRun run = runOn("digits", "lr-find", "--steps", "60", "--figure", figure().toString());
    double suggestion = json().at("/suggestion").asDouble();
    assertTrue(suggestion > 1e-8 && suggestion < 10);
    assertTrue(run.out().contains("suggestion: --lr "), run.out());
    assertEquals(1e-8, json().at("/points/0/learningRate").asDouble(), 1e-20);
    assertTrue(json().at("/points").size() <= 60);
    assertEquals(900, ImageIO.read(figure().toFile()).getWidth());
  }

  @Test
  void lrFindSaysWhereNoRateLowersTheLoss() throws IOException {
    // Four batches at rates up to 0.01: what differs is the batches.
    CliRun run = run("lr-find", "--steps", "4", "--optimizer", "sgd");
    assertTrue(run.out().contains("no suggestion: no rate lowers the loss by more"), run.out());
    assertFalse(run.out().contains("--lr "), run.out());
    assertTrue(json().at("/suggestion").isNull());
  }

  @Test
  void planningADeepNetworkTakesNoTimeByItsDepth() {
    String model = "mlp:1" + ",1".repeat(9_999);
    long begin = System.nanoTime();
    assertEquals(0, CliRun.of("plan", "--data", "random", "--model", model).status());
    double seconds = (System.nanoTime() - begin) * 1e-9;
    assertTrue(seconds < 20, seconds + " s"); // about 2
  }

  @Test
  void lrFindTestsEachOfSeveralBatchSizes() throws IOException {
    CliRun run = run("lr-find", "--steps", "40", "--batch-sizes", "16,128");
    assertTrue(run.out().contains("batch size 16") && run.out().contains("batch size 128"));
    assertEquals(2, json().at("/tests").size());
    assertEquals(128, json().at("/tests/1/batchSize").asInt());
    assertEquals(json().at("/points"), json().at("/tests/0/points"));
    assertTrue(json().at("/tests/1/points").size() > 10);
    CliRun large = CliRun.of("lr-find", "--batch-sizes", "99999");
    assertEquals(2, large.status());
    assertTrue(large.err().contains("is larger than the 9000 training samples"), large.err());
  }

  @Test
  void studyComparesBatchSizes() throws IOException {
    CliRun run =
        run(
            "study",
            "--batch-sizes",
            "32,512",
            "--seeds",
            "2",
            "--epochs",
            "2",
            "--figure",
            figure().toString());
    assertTrue(run.out().lines().findFirst().orElse("").contains("updates/epoch"), run.out());
    assertEquals(2, json().at("/rows").size());
    assertEquals(512, json().at("/rows/1/batchSize").asInt());
    long perEpoch = json().at("/rows/0/updatesPerEpoch").asLong();
    assertEquals(2 * perEpoch, json().at("/rows/0/updates").asLong());
    // The labels are drawn by lot: nothing can be learned that holds for other samples.
    assertEquals(0.5, json().at("/rows/0/testAccuracy/mean").asDouble(), 0.15);
    assertTrue(Files.size(figure()) > 1000);
  }

  @Test
  void adviseNamesMistakesAndMeasures() throws IOException {
    CliRun run = run("advise", "--batch-size", "1", "--lr", "0.1", "--val-fraction", "0");
    List<String> codes = new ArrayList<>();
    json().at("/findings").forEach(finding -> codes.add(finding.at("/code").asText()));
    assertEquals(
        List.of("BATCH_OF_ONE", "HIGH_RATE_SMALL_BATCH", "NO_VALIDATION", "EPOCHS_UNUSUAL"), codes);
    assertTrue(run.out().contains("warning  batch-of-one: "), run.out());
    assertTrue(json().at("/largestBatch/batchSize").asInt() >= 1);
    assertTrue(run.out().contains("memory   the largest batch that fits is "), run.out());
    assertTrue(run.out().contains("usual    batches of 32 to "), run.out());
    assertEquals(50, json().at("/usualEpochs/least").asInt());
    CliRun clean = run("advise", "--epochs", "50");
    assertTrue(clean.out().contains("nothing speaks against these options"), clean.out());
    assertTrue(json().at("/findings").isEmpty());
  }

  @Test
  void adviseKeepsToWhatItPrintsAndMeasures() throws IOException {
    for (String batch : new String[] {"4", "576"}) {
      CliRun run = run("advise", "--epochs", "50", "--batch-size", batch);
      assertTrue(run.out().contains("batches of 8 to 32"), run.out());
      assertEquals(1, json().at("/findings").size(), run.out());
      String code = json().at("/findings/0/code").asText();
      assertTrue(
          batch.equals("4")
              ? List.of("BATCH_SMALL", "BATCH_UNDER_NOISE").contains(code)
              : List.of("BATCH_LARGE", "BATCH_OVER_NOISE").contains(code),
          run.out());
    }
    String[] high = {"--epochs", "50", "--batch-size", "64", "--optimizer", "sgd", "--lr", "3.0"};
    assertTrue(run("advise", high).out().contains("a learning rate of 3 with a batch of 64"));
    // What is judged is the rate that batches of 64 get: 0.06 x 64 / 32.
    CliRun scaled = run("plan", "--batch-size", "64", "--lr", "0.06", "--lr-scaling", "linear");
    assertTrue(scaled.out().contains("a learning rate of 0.12 with a batch of 64"), scaled.out());
  }

  @Test
  void theDefaultBatchSizeIsTheOneThatRatesAreMeantFor() throws IOException {
    run("plan", "--lr", "0.002", "--lr-scaling", "linear");
    assertEquals(32, json().at("/plan/batchSize").asInt());
    try (TrainingSession session =
        TrainingSession.builder(Model.of(Shape.of(1), new Linear(2))).device("cpu").open()) {
      assertEquals(32, session.batchSize());
    }
  }

  @Test
  void planAndTrainSayTheFindingsToo() throws IOException {
    CliRun plan = run("plan", "--batch-size", "1");
    assertTrue(plan.out().contains("batch-of-one"), plan.out());
    CliRun train =
        run(
            "train",
            "--epochs",
            "1",
            "--lr",
            "0.1",
            "--batch-size",
            "32",
            "--out",
            folder.resolve("run").toString());
    assertTrue(train.out().contains("high-rate-small-batch"), train.out());
    assertEquals("HIGH_RATE_SMALL_BATCH", json().at("/findings/0/code").asText());
  }

  @Test
  void badUseIsRefused() {
    CliRun steps = CliRun.of("lr-find", "--steps", "1");
    assertEquals(2, steps.status());
    assertTrue(steps.err().contains("--steps must be at least 2, not 1"), steps.err());
    CliRun sizes = CliRun.of("study", "--batch-sizes", "0");
    assertEquals(2, sizes.status());
    assertTrue(sizes.err().contains("--batch-sizes must be at least 1, not 0"), sizes.err());
    CliRun large = CliRun.of("study", "--batch-sizes", "99999");
    assertTrue(large.err().contains("is larger than the 9000 training samples"), large.err());
  }
}
