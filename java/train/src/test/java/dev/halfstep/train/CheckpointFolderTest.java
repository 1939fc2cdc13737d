package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.session.StepBlock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints of several runs in one folder, one after another or at the same time. */
final class CheckpointFolderTest {
  @TempDir Path folder;

  /** A run with 4 updates per epoch, and a checkpoint after every 5 updates. */
  private TrainerBuilder run(long seed, int epochs) {
    return run(linear(), new SmallTask(40).data).seed(seed).epochs(epochs);
  }

  private TrainerBuilder run(Model model, Dataset data) {
    return Trainer.builder(model, data)
        .session(options -> options.device(TestDevice.ID))
        .epochs(3)
        .batchSize(10)
        .syncEvery(1)
        .checkpoints(Checkpoints.in(folder, 5));
  }

  private static Model linear() {
    return Model.of(Shape.of(SmallTask.FEATURES), new Linear(SmallTask.CLASSES)).initialize(1);
  }

  private List<String> names() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Callback afterSteps(Consumer<Fit> action) {
    return new Callback() {
      @Override
      public void stepsEnd(Fit fit, StepBlock steps) {
        action.accept(fit);
      }
    };
  }

  @Test
  void aNewRunReplacesTheCheckpointsOfALongerOneWhenItsOwnFirstStands() throws IOException {
    run(1, 40).fit();
    List<String> old = List.of("checkpoint-1-155.safetensors", "checkpoint-1-160.safetensors");
    assertEquals(old, names());
    List<List<String>> seen = new ArrayList<>();
    Callback look =
        afterSteps(fit -> seen.add(names().stream().filter(n -> !n.startsWith(".")).toList()));
    run(2, 3).callbacks(look).fit();
    assertEquals(old, seen.get(4));
    assertEquals(List.of("checkpoint-2-5.safetensors"), seen.get(5)); // written after the callbacks
    assertEquals(List.of("checkpoint-2-10.safetensors", "checkpoint-2-5.safetensors"), names());
    Safetensors.Contents newest = Checkpoints.newest(folder);
    assertEquals(folder.resolve("checkpoint-2-10.safetensors"), newest.file());
    assertEquals(12, run(2, 3).resume(newest).fit().stepLosses().length);
    assertThrows(IllegalArgumentException.class, () -> run(1, 3).resume(newest).build());
  }

  @Test
  void whereTheNewRunWasKilledWhileItRemovedTheOldTheNewIsResumed() throws IOException {
    run(1, 40).fit();
    byte[] old = Files.readAllBytes(folder.resolve("checkpoint-1-160.safetensors"));
    run(2, 2).fit();
    Files.write(folder.resolve("checkpoint-1-160.safetensors"), old);
    Path newest = folder.resolve("checkpoint-2-5.safetensors");
    assertEquals(newest, Checkpoints.newest(folder).file());
    // If all of the new run's are damaged, those of the old run are not used either.
    Files.write(newest, new byte[100]);
    ModelFileException e = assertThrows(ModelFileException.class, () -> Checkpoints.newest(folder));
    assertTrue(e.getMessage().startsWith(newest + ": "), e.getMessage());
  }

  @Test
  void checkpointsWithoutARunAreOfAnEarlierVersionAndAreReplaced() throws IOException {
    Files.write(folder.resolve("checkpoint-900.safetensors"), new byte[100]);
    run(1, 2).fit();
    assertEquals(List.of("checkpoint-1-5.safetensors"), names());
  }

  @Test
  void aRunThatGoesOnFromAnOlderCheckpointKeepsItsOwn() throws IOException {
    run(1, 3).fit();
    Safetensors.Contents older = Safetensors.read(folder.resolve("checkpoint-1-5.safetensors"));
    List<String> seen = new ArrayList<>();
    run(1, 3).resume(older).callbacks(afterSteps(fit -> seen.addAll(names()))).fit();
    assertEquals(List.of("checkpoint-2-10.safetensors"), names());
    assertTrue(seen.contains("checkpoint-1-10.safetensors"), "" + seen);
    Safetensors.Contents newest = Checkpoints.newest(folder);
    run(1, 4).resume(newest).fit();
    assertEquals(List.of("checkpoint-2-10.safetensors", "checkpoint-2-15.safetensors"), names());
  }

  @Test
  void aSecondRunInTheFolderIsRefusedWhileTheFirstGoesOn() {
    List<String> refusals = new ArrayList<>();
    Callback second =
        afterSteps(
            fit -> {
              TrainerBuilder other = run(2, 1);
              IllegalStateException e = assertThrows(IllegalStateException.class, other::fit);
              refusals.add(e.getMessage());
            });
    run(1, 2).callbacks(second).fit();
    assertEquals(8, refusals.size());
    assertTrue(refusals.get(0).contains(folder + ": another run writes"), refusals.get(0));
    assertEquals(List.of("checkpoint-1-5.safetensors"), names());
    run(2, 2).fit();
    assertEquals(List.of("checkpoint-2-5.safetensors"), names());
  }

  @Test
  void aFolderThatCannotBeWrittenShowsBeforeTheFirstUpdate() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "stays");
    List<Fit> begun = new ArrayList<>();
    TrainerBuilder trainer =
        run(1, 1)
            .checkpoints(Checkpoints.in(file.resolve("below"), 5))
            .callbacks(afterSteps(begun::add));
    UncheckedIOException e = assertThrows(UncheckedIOException.class, trainer::fit);
    assertTrue(e.getMessage().contains("below: checkpoints cannot be written"), e.getMessage());
    assertEquals(0, begun.size());
    assertEquals("stays", Files.readString(file));
  }

  @Test
  void aCheckpointThatCannotBeWrittenDoesNotEndTheRun() throws IOException {
    Path deep = folder.resolve("deep");
    Callback fault =
        afterSteps(
            fit -> {
              try {
                if (fit.updates() == 4) { // a file that takes the name of the checkpoints' folder
                  Files.move(deep, folder.resolve("away"));
                  Files.writeString(deep, "in the way");
                } else if (fit.updates() == 6) {
                  Files.delete(deep);
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    Model model = linear();
    History history =
        run(model, new SmallTask(40).data)
            .checkpoints(Checkpoints.in(deep, 5))
            .callbacks(fault)
            .fit();
    assertEquals(12, history.stepLosses().length);
    assertEquals(deep.resolve("checkpoint-1-10.safetensors"), Checkpoints.newest(deep).file());
    Model other = linear();
    run(other, new SmallTask(40).data).checkpoints(Checkpoints.in(deep, 50)).fit();
    assertArrayEquals(other.weights(), model.weights());
  }

  @Test
  void aRunThatIsStoppedWritesALastCheckpointAndGoesOnFromThere() throws IOException {
    Model whole = linear();
    run(whole, new SmallTask(40).data)
        .checkpoints(Checkpoints.in(folder.resolve("other"), 100))
        .fit();
    int[] stops = {2, 7, 8};
    for (int stop : stops) {
      run(linear(), new SmallTask(40).data)
          .checkpoints(Checkpoints.in(folder.resolve("" + stop), 100))
          .callbacks(afterSteps(fit -> stop(fit, stop)))
          .fit();
      Safetensors.Contents newest = Checkpoints.newest(folder.resolve("" + stop));
      assertEquals("checkpoint-1-" + stop + ".safetensors", "" + newest.file().getFileName());
      Model resumed = linear();
      History history = run(resumed, new SmallTask(40).data).resume(newest).fit();
      assertArrayEquals(whole.weights(), resumed.weights());
      assertEquals(3, history.epochs().size());
      assertEquals(4, history.epochs().get(0).steps());
    }
  }

  private static void stop(Fit fit, int updates) {
    if (fit.updates() == updates) {
      fit.stop("enough");
    }
  }

  @Test
  void aRunThatIsStoppedAtTheEndOfAnEpochGoesOnWithTheNext() throws IOException {
    Callback stopper =
        new Callback() {
          @Override
          public void epochEnd(Fit fit, EpochRecord epoch) {
            if (epoch.epoch() == 2) {
              fit.stop("enough");
            }
          }
        };
    Dataset data = new SmallTask(40).data;
    run(linear(), data).validation(new SmallTask(60).data).callbacks(stopper).fit();
    Model resumed = linear();
    Safetensors.Contents newest = Checkpoints.newest(folder);
    History history = run(resumed, data).validation(new SmallTask(60).data).resume(newest).fit();
    Model whole = linear();
    History expected = run(whole, data).validation(new SmallTask(60).data).fit();
    assertArrayEquals(whole.weights(), resumed.weights());
    assertEquals(expected.epochs().size(), history.epochs().size());
    assertEquals(expected.epochs().get(2).validation(), history.epochs().get(2).validation());
    assertEquals(expected.bestEpoch(), history.bestEpoch());
  }

  @Test
  void aRunThatEndedByItselfWritesNoFurtherCheckpoint() {
    run(1, 3).fit();
    assertFalse(names().contains("checkpoint-1-12.safetensors"), "" + names());
  }
}
