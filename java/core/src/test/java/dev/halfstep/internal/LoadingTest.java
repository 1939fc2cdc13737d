package dev.halfstep.internal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.Device;
import dev.halfstep.HalfstepException;
import dev.halfstep.kernel.MatmulKernel;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, tested in separate JVMs. */
@Timeout(120)
class LoadingTest {
  private static final String NATIVES = "dev/halfstep/bindings/linux-x86_64";

  @TempDir private Path folder;

  /** The program of the other JVMs: prints the product of 3 and 4, or the failure. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) throws IOException {
      if (Boolean.getBoolean("loading.another-user-of-javacpp-first")) {
        Loader.getCacheDir();
      }
      try (Device device = Device.open("cpu")) {
        float[] c = new float[1];
        MatmulKernel.builder(1, 1, 1).build().run(new float[] {3}, new float[] {4}, c);
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

  /** The class path with the bindings as a jar, as users have it, with or without the natives. */
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
    return start(List.of(), classPath, options);
  }

  private Process start(List<String> before, String classPath, String... options)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classPath, Program.class.getName()));
    return new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
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

  /** The output of a JVM that cannot write its home, with this temporary folder. */
  private String outputWithoutAHome(Path temporary) throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "a home below a file cannot be made");
    return outputOf(
        start(
            withBindingsInAJar(true),
            "-Duser.home=" + file.resolve("home"),
            "-Djava.io.tmpdir=" + temporary));
  }

  private static List<Path> librariesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".so")).toList();
    }
  }

  private static void permit(Path folder, String permissions) throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(permissions));
  }

  private static String permissions(Path folder) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder));
  }

  @Test
  void aHomeThatCannotBeWrittenIsNoHindrance() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path anybodys = temporary.resolve(".javacpp-" + System.getProperty("user.name") + "/cache");
    permit(Files.createDirectories(anybodys), "rwxrwxrwx"); // JavaCPP would use it
    assertEquals("cpu 12.0", outputWithoutAHome(temporary));
    Path own = temporary.resolve("halfstep-" + Files.getAttribute(temporary, "unix:uid"));
    assertEquals("rwx------", permissions(own));
    assertEquals(3, librariesIn(own).size());
    assertEquals(List.of(), librariesIn(anybodys));
  }

  @Test
  void whereOthersCanReplaceFoldersOneIsMadeForTheProgramAlone() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    permit(temporary, "rwxrwxrwx"); // without the sticky bit
    assertEquals("cpu 12.0", outputWithoutAHome(temporary));
    assertEquals(List.of(), librariesIn(temporary), "it is deleted at the end");
  }

  @Test
  void aFolderThatAnotherUserOfJavaCppHasTakenIsKeptWithAWarning() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path taken = temporary.resolve(".javacpp-" + System.getProperty("user.name") + "/cache");
    permit(Files.createDirectories(taken), "rwxrwxrwx");
    String output =
        outputOf(
            start(
                withBindingsInAJar(true),
                "-Dloading.another-user-of-javacpp-first=true",
                "-Duser.home=/dev/null/home",
                "-Djava.io.tmpdir=" + temporary));
    assertTrue(output.contains("other users can write " + taken), output);
    assertTrue(output.endsWith("cpu 12.0"), output);
    assertEquals(3, librariesIn(taken).size());
  }

  @Test
  void aUserWithoutAnEntryGetsNoFolderOfThatName() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String output =
        outputOf(start(withBindingsInAJar(true), "-Duser.home=?", "-Djava.io.tmpdir=" + temporary));
    assertEquals("cpu 12.0", output);
    assertTrue(Files.notExists(folder.resolve("?")));
  }

  @Test
  void theCacheInTheHomeIsClosedToOthers() throws Exception {
    Path cache = Files.createDirectories(folder.resolve("home/.javacpp/cache"));
    permit(cache, "rwxrwxrwx");
    String home = "-Duser.home=" + folder.resolve("home");
    assertEquals("cpu 12.0", outputOf(start(withBindingsInAJar(true), home)));
    assertEquals("rwx------", permissions(cache));
    assertEquals(3, librariesIn(cache).size());
  }

  /** A power failure, or another user, can leave such files with the right size and time. */
  @Test
  void filesOfTheCacheThatAreNotWhatTheJarHoldsAreReplaced() throws Exception {
    String classPath = withBindingsInAJar(true);
    assertEquals("cpu 12.0", outputOf(start(classPath, cache())));
    List<Path> libraries = librariesIn(folder.resolve("cache"));
    assertEquals(3, libraries.size());
    for (Path library : libraries) {
      FileTime time = Files.getLastModifiedTime(library);
      Files.write(library, new byte[(int) Files.size(library)]);
      Files.setLastModifiedTime(library, time);
    }
    assertEquals("cpu 12.0", outputOf(start(classPath, cache())));
  }

  @Test
  void aNamedFolderThatOthersCanWriteIsUsedWithAWarning() throws Exception {
    Path cache = Files.createDirectory(folder.resolve("cache"));
    permit(cache, "rwxrwxrwx");
    String output = outputOf(start(withBindingsInAJar(true), cache()));
    assertTrue(output.contains("other users can write " + cache), output);
    assertTrue(output.endsWith("cpu 12.0"), output);
  }

  /** The output if the named cache is a separate file system mounted with these options. */
  private String outputWithMountedCache(String options) throws Exception {
    Path cache = Files.createDirectory(folder.resolve("cache"));
    String mount = "mount -t tmpfs -o " + options + " none " + cache;
    assumeTrue(
        new ProcessBuilder("unshare", "-m", "sh", "-c", mount).start().waitFor() == 0,
        "mounting needs root");
    return outputOf(
        start(
            List.of("unshare", "-m", "sh", "-c", mount + " && exec \"$@\"", "sh"),
            withBindingsInAJar(true),
            cache()));
  }

  @Test
  void aFolderFromWhichNothingIsExecutedIsNamed() throws Exception {
    String output = outputWithMountedCache("noexec,mode=700");
    assertTrue(output.startsWith("NOT_LOADED"), output);
    assertTrue(output.contains("failed to map segment"), output);
    assertTrue(output.contains(folder.resolve("cache").toString()), output);
    assertTrue(output.contains("is mounted noexec"), output);
    assertTrue(output.contains("-Dorg.bytedeco.javacpp.cachedir="), output);
  }

  @Test
  void librariesThatLieInSuchAFolderAreToBeMoved() throws Exception {
    Path checkout = Files.createDirectory(folder.resolve("checkout"));
    Path bindings = classPath().stream().filter(LoadingTest::isBindings).findFirst().orElseThrow();
    String mount = "mount -t tmpfs -o noexec none " + checkout;
    assumeTrue(
        new ProcessBuilder("unshare", "-m", "sh", "-c", mount).start().waitFor() == 0,
        "mounting needs root");
    String then = " && cp -r " + bindings + "/. " + checkout + " && exec \"$@\"";
    String classPath = System.getProperty("surefire.test.class.path");
    String output =
        outputOf(
            start(
                List.of("unshare", "-m", "sh", "-c", mount + then, "sh"),
                classPath.replace(bindings.toString(), checkout.toString()),
                cache()));
    assertTrue(output.contains(checkout.resolve(NATIVES) + " is mounted noexec"), output);
    assertTrue(output.contains("move Halfstep's own files"), output);
  }

  @Test
  void aFullFolderIsNamed() throws Exception {
    String output = outputWithMountedCache("size=1m,mode=700");
    assertTrue(output.startsWith("NOT_LOADED"), output);
    assertTrue(output.contains(folder.resolve("cache").toString()), output);
    assertTrue(output.contains("No space left on device"), output);
    assertTrue(output.contains("-Dorg.bytedeco.javacpp.cachedir="), output);
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
