package dev.halfstep.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script ./halfstep in a checkout that counts as built, with a Java that says what it is told.
 */
final class LauncherTest {
  private static final List<String> SOURCES =
      List.of(
          "native/CMakeLists.txt",
          "native/build.sh",
          "native/exports.map",
          "native/kernels.txt",
          "pom.xml");
  private static final List<String> FOLDERS =
      List.of(
          "cmake", "native/generator", "native/include", "native/src", "java/bindings/src/natives");

  @TempDir private Path folder;
  private Path java;

  @BeforeEach
  void makeAJava() throws IOException {
    java = folder.resolve("jdk");
    Files.createDirectories(java.resolve("bin"));
    Files.writeString(java.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
    script(java.resolve("bin/java"), "#!/bin/sh\necho \"LC_ALL=$LC_ALL\"\necho \"$@\"\n");
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** A copy of the script among empty sources that are older than what was built. */
  private Path checkout(String name) throws IOException {
    Path root = folder.resolve(name);
    for (String source : FOLDERS) {
      Files.createDirectories(root.resolve(source));
    }
    for (String source : SOURCES) {
      Files.createFile(root.resolve(source));
    }
    for (String module :
        List.of("bindings", "cuda", "core", "train", "report", "cli", "examples")) {
      Files.createDirectories(root.resolve("java/" + module + "/src/main"));
      Files.createFile(root.resolve("java/" + module + "/pom.xml"));
    }
    script(root.resolve("halfstep"), Files.readString(Path.of("../../halfstep")));
    return root;
  }

  private static void markAsBuilt(Path root) throws IOException {
    Files.createDirectories(root.resolve("target"));
    Files.createFile(root.resolve("target/halfstep.built"));
  }

  private String outputOf(int status, List<String> command, String locale) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.put("JAVA_HOME", java.toString());
    environment.put("LC_ALL", locale);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertEquals(status, process.waitFor(), output);
    return output;
  }

  @Test
  void withoutALocaleJavaGetsOneWithAllLetters() throws Exception {
    Path root = checkout("plain");
    markAsBuilt(root);
    List<String> command = List.of(root.resolve("halfstep").toString(), "devices");
    for (String none : List.of("C", "POSIX", "there_IS.none")) {
      String output = outputOf(0, command, none);
      assertTrue(output.contains("LC_ALL=C.UTF-8\n"), output);
      assertTrue(output.contains("dev.halfstep.cli.Main devices"), output);
    }
  }

  @Test
  void aFolderThatNoClassPathCanNameIsRefused() throws Exception {
    Path root = checkout("a:b");
    markAsBuilt(root);
    String output = outputOf(1, List.of(root.resolve("halfstep").toString(), "devices"), "C");
    assertTrue(output.contains(root + " has a ':' in its name"), output);
  }

  @Test
  void anothersCheckoutThatIsNotBuiltIsSaidToBeOne() throws Exception {
    Path root = checkout("anothers");
    List<String> command = new ArrayList<>();
    if (Files.getAttribute(folder, "unix:uid").equals(0)) { // root may write everywhere
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
    } else {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("r-xr-xr-x"));
    }
    command.addAll(List.of(root.resolve("halfstep").toString(), "devices"));
    String output = outputOf(1, command, "C");
    assertTrue(output.contains("you cannot write " + root + "/target"), output);
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
