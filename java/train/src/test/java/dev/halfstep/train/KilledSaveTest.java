package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.session.StepBlock;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that spend nearly all their time on saving are killed while they save. */
final class KilledSaveTest {
  private static final int CLASSES = 100_000; // 8 MB of weights and moments
  private static final int MOST_KILLS = 20;

  /** Trains with a checkpoint after each update, and prints a line once the first is written. */
  public static void main(String[] args) {
    Callback first =
        new Callback() {
          @Override
          public void stepsEnd(Fit fit, StepBlock steps) {
            if (fit.updates() == 3) { // the checkpoint of an update is written after its callbacks
              System.out.println("saved");
            }
          }
        };
    trainer(Path.of(args[0])).callbacks(first).fit();
  }

  private static TrainerBuilder trainer(Path folder) {
    SmallTask task = new SmallTask(40);
    Shape sample = Shape.of(SmallTask.FEATURES);
    Model model = Model.of(sample, new Linear(CLASSES)).initialize(1);
    Dataset data = ArrayDataset.of("wide", Features.of(task.x, sample), Labels.of(task.y, CLASSES));
    return Trainer.builder(model, data)
        .session(options -> options.device(TestDevice.ID))
        .epochs(1000)
        .batchSize(4)
        .syncEvery(1)
        .checkpoints(Checkpoints.in(folder, 1));
  }

  @Test
  void aKillDuringASaveLeavesACheckpointThatLoads(@TempDir Path folder) throws Exception {
    boolean cutOff = false;
    for (int kill = 0; kill < MOST_KILLS && !cutOff; kill++) {
      Process process = CheckpointTest.start(KilledSaveTest.class, folder);
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        assertEquals("saved", out.readLine());
        while (!hasPartOfACheckpoint(folder) && process.isAlive()) {
          Thread.onSpinWait();
        }
        process.destroyForcibly().waitFor();
      }
      cutOff = hasPartOfACheckpoint(folder);
      Safetensors.Contents newest = Checkpoints.newest(folder);
      assertEquals(CLASSES * SmallTask.FEATURES, newest.tensors().get("weight").values().length);
    }
    assertTrue(cutOff, "no kill fell into a save");
    TrainerBuilder resumed = trainer(folder).resume(Checkpoints.newest(folder));
    int before = resumed.budget(Budget.ofSeconds(0.001)).fit().stepLosses().length;
    assertTrue(before >= 2, before + " updates");
  }

  private static boolean hasPartOfACheckpoint(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith(".checkpoint-"));
    }
  }
}
