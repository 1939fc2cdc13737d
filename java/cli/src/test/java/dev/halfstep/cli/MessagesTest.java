package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Messages say what was wrong, not which class found it, and never move the cursor. */
final class MessagesTest {
  @TempDir Path folder;

  @Test
  void whatOnlyCarriesAnotherExceptionIsNotNamed() {
    IOException full = new IOException("No space left on device");
    assertEquals("No space left on device", FailureText.of(new UncheckedIOException(full)));
    assertEquals(
        "No space left on device",
        FailureText.of(new ExecutionException(new InvocationTargetException(full))));
    assertEquals(
        "out: something of that name is there already",
        FailureText.of(new FileAlreadyExistsException("out")));
    assertEquals("out: is not a folder", FailureText.of(new NotDirectoryException("out")));
    assertEquals(
        "out: File too large",
        FailureText.of(new FileSystemException("out", null, "File too large")));
    assertEquals(
        "out: the file system refuses it (FileSystemException)",
        FailureText.of(new FileSystemException("out")));
    assertEquals("a: why", FailureText.of(new AtomicMoveNotSupportedException("a", "b", "why")));
    assertEquals(
        "the thread was interrupted while it wrote",
        FailureText.of(new ClosedByInterruptException()));
    assertEquals("no number", FailureText.of(new IllegalStateException("no number")));
    assertEquals("NullPointerException", FailureText.of(new NullPointerException()));
  }

  @Test
  void whatFilesHoldDoesNotReachTheTerminalAsItIs() throws IOException {
    Path csv = folder.resolve("a.csv");
    Files.writeString(csv, "a,b,label\n1,\u001b]0;title\u0007,0\n1,2,1\n");
    CliRun run =
        CliRun.of("train", "--data", "csv:" + csv, "--out", folder.resolve("o").toString());
    assertEquals(2, run.status(), run.err());
    assertFalse(run.err().contains("\u001b") || run.err().contains("\u0007"), run.err());
    CliRun word = CliRun.of("train", "--da\u001b[31m");
    assertEquals(2, word.status());
    assertFalse(word.err().contains("\u001b"), word.err());
    CliRun value = CliRun.of("train", "--epochs", "3\u001b[31m");
    assertEquals(2, value.status());
    assertFalse(value.err().contains("\u001b"), value.err());
  }
}
