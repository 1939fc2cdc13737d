package dev.halfstep.internal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.kernel.Matmul;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, in JVMs of their own. */
@Timeout(120)
class LoadingTest {
  private static final String NATIVES = "dev/halfstep/bindings/linux-x86_64";

  @TempDir private Path folder;

  /** What the other JVMs run: prints the product of 3 and 4, or the failure. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      try (Device device = Device.open("cpu")) {
        float[] c = new float[1];
        Matmul.builder(1, 1, 1).build().run(new float[] {3}, new float[] {4}, c);
        System.out.println(device + " " + c[0]);
      } catch (HalfstepException failure) {
        System.out.println(failure.status() + " " + failure.getMessage());
      }
    }
  }

  private static List<Path> classPath() {
    String own = System.getProperty("java.class.path");
    String path = System.getProperty("surefire.test.class.path", own);
    return Arrays.stream(path.split(File.pathSeparator)).map(Path::of).toList();
  }

  private static boolean isBindings(Path entry) {
    return Files.isDirectory(entry.resolve(NATIVES));
  }

  /** The class path with the bindings as a jar, as users have them, with or without the natives. */
  private String withBindingsInAJar(boolean natives) throws IOException {
    List<String> entries = new ArrayList<>();
    for (Path entry : classPath()) {
      Path used = entry;
      if (isBindings(entry)) {
        used = folder.resolve(natives ? "bindings.jar" : "bindings-without-natives.jar");
        jar(entry, used, natives);
      }
      entries.add(used.toString());
    }
    return String.join(File.pathSeparator, entries);
  }

  private static void jar(Path classes, Path jar, boolean natives) throws IOException {
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(classes)) {
      files
          .filter(Files::isRegularFile)
          .filter(file -> natives || !file.toString().endsWith(".so"))
          .forEach(
              file -> {
                try {
                  out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                  Files.copy(file, out);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }

  private String cache() {
    return "-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache");
  }

  private Process start(String classPath, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classPath, Program.class.getName()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String outputOf(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return output;
  }

  @Test
  void withoutTheNativesJarTheMessageNamesIt() throws Exception {
    String output = outputOf(start(withBindingsInAJar(false), cache()));
    assertTrue(output.startsWith("NOT_LOADED"), output);
    assertTrue(output.contains("halfstep-bindings-<version>-linux-x86_64.jar"), output);
  }

  @Test
  void aHomeThatCannotBeWrittenIsNoHindrance() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "a home below a file cannot be made");
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String output =
        outputOf(
            start(
                withBindingsInAJar(true),
                "-Duser.home=" + file.resolve("home"),
                "-Djava.io.tmpdir=" + temporary));
    assertEquals("cpu 12.0", output);
    try (Stream<Path> extracted = Files.walk(temporary)) {
      assertTrue(extracted.anyMatch(path -> path.endsWith("libhalfstep.so")));
    }
  }

  @Test
  void severalProgramsMayStartAtOnceWithAnEmptyCache() throws Exception {
    String classPath = withBindingsInAJar(true);
    List<Process> programs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      programs.add(start(classPath, cache()));
    }
    for (Process program : programs) {
      assertEquals("cpu 12.0", outputOf(program));
    }
  }

  @Test
  void javaCppsIdeaOfTooMuchMemoryDoesNotMatter() throws Exception {
    String output =
        outputOf(
            start(
                withBindingsInAJar(true),
                cache(),
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=1000000"));
    assertEquals("cpu 12.0", output);
  }
}
