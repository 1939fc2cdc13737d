package dev.halfstep.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FolderLockTest {
  private static final String NAME = ".lock";

  @TempDir Path folder;

  /** Takes the lock of a folder repeatedly, and counts how many times no other process had it. */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int taken = 0;
    long end = System.nanoTime() + 2_000_000_000L;
    while (System.nanoTime() < end) {
      Optional<FolderLock> lock = FolderLock.tryTake(folder, NAME);
      if (lock.isPresent()) {
        Path mark = Files.createDirectory(folder.resolve("mark")); // fails if it exists
        Files.delete(mark);
        lock.get().close();
        taken++;
      }
    }
    System.out.println("taken " + (taken > 0));
  }

  @Test
  void aLockIsTakenOnceAndAgainWhenItIsGivenBack() throws IOException {
    FolderLock lock = FolderLock.tryTake(folder, NAME).orElseThrow();
    assertFalse(FolderLock.tryTake(folder, NAME).isPresent());
    assertFalse(FolderLock.tryTake(folder.resolve("."), NAME).isPresent());
    lock.close();
    assertFalse(Files.exists(folder.resolve(NAME)));
    FolderLock.tryTake(folder, NAME).orElseThrow().close();
  }

  @Test
  void whatAKilledProcessLeftIsNoLock() throws IOException {
    Files.writeString(folder.resolve(NAME), "");
    FolderLock.tryTake(folder, NAME).orElseThrow().close();
  }

  @Test
  void aLinkInThePlaceOfTheFileIsRefused() throws IOException {
    Path victim = folder.resolve("victim");
    Files.createSymbolicLink(folder.resolve(NAME), victim);
    assertThrows(IOException.class, () -> FolderLock.tryTake(folder, NAME));
    assertFalse(Files.exists(victim));
  }

  @Test
  void processesNeverHaveItAtTheSameTime() throws Exception {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(
          new ProcessBuilder(
                  java, "-cp", classPath, FolderLockTest.class.getName(), folder.toString())
              .redirectErrorStream(true)
              .start());
    }
    for (Process process : processes) {
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, process.waitFor(), out);
      assertTrue(out.contains("taken true"), out);
    }
  }
}
