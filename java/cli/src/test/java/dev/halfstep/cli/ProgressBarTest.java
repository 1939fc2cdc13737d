package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.RandomData;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.report.Scores;
import dev.halfstep.train.Trainer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
  private static final String BAR =
      "epoch [12]/2 \\[=* *\\] \\d+/10  loss \\d+\\.\\d{4}  [\\d,]+ samples/s  \\d+:\\d\\d left";
  private static final String EPOCH =
      "epoch [12]/2  train loss \\d+\\.\\d{4}, [\\d.]+ %  [\\d,]+ samples/s  \\d+\\.\\d s(  best)?";

  /** Ten steps an epoch, asked for after every second one. */
  private static String progress(boolean terminal) {
    Dataset data = RandomData.unlearnable(40, 1, 3, 0).train();
    StringWriter out = new StringWriter();
    try (Device device = Device.cpu()) {
      Trainer.builder(Model.of(data.sampleShape(), new Linear(2)), data)
          .device(device)
          .optimizer(Optimizer.adamW(0.01))
          .batchSize(4)
          .epochs(2)
          .syncEvery(2)
          .callbacks(new ProgressBar(new PrintWriter(out, true), terminal, Scores.OF_CLASSES, 0))
          .fit();
    }
    return out.toString();
  }

  @Test
  void plainLinesSayStepLossSpeedAndTimeLeft() {
    List<String> lines = progress(false).lines().toList();
    assertEquals(12, lines.size());
    for (int i = 0; i < lines.size(); i++) {
      assertTrue(lines.get(i).matches(i % 6 == 5 ? EPOCH : BAR), lines.get(i));
    }
    assertTrue(lines.get(1).contains(" 4/10 ") && lines.get(1).contains("[========            ]"));
    assertTrue(lines.get(10).endsWith(" 0:00 left"), lines.get(10));
  }

  @Test
  void aTerminalSeesOneLineDrawnOverItself() {
    String out = progress(true);
    String[] drawn = out.split("\r\u001b\\[K", -1);
    assertEquals("", drawn[0]);
    assertTrue(drawn[1].matches(BAR), drawn[1]);
    // Five bars, the line of the epoch, which alone ends a line; twice; and the last clearing.
    assertEquals(1 + 2 * 6 + 1, drawn.length);
    assertTrue(drawn[6].matches(EPOCH + "\\R"), drawn[6]);
    assertEquals("", drawn[13]);
  }

  @Test
  void misspeltWordsAreGuessedAndOthersAreNot() {
    List<String> known = List.of("adamw", "sgd");
    assertEquals(" Did you mean 'adamw'?", Suggestion.didYouMean("Adam", known));
    assertEquals(" Did you mean 'sgd'?", Suggestion.didYouMean("sdg", known));
    assertEquals("", Suggestion.didYouMean("lion", known));
  }
}
