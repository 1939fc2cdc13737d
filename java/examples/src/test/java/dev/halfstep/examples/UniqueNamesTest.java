package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * No two public classes of all modules have the same simple name, so that imports of whole packages
 * and modules compile.
 */
class UniqueNamesTest {
  private static final Path ROOT =
      Path.of(System.getProperty("halfstep.root", "../..")).toAbsolutePath().normalize();
  private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);");
  private static final Pattern EXPORTED = Pattern.compile("exports ([\\w.]+);");
  private static final Pattern VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+)");

  /** Collects the packages of public top-level types under a source folder, by simple name. */
  private static void collect(Path sources, Map<String, List<String>> packages) throws IOException {
    try (Stream<Path> files = Files.walk(sources)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        String source = Files.readString(file);
        Matcher declared = PACKAGE.matcher(source);
        Pattern isPublic =
            Pattern.compile("(?m)^public .*(class|record|interface|enum) " + name + "\\b");
        if (declared.find() && isPublic.matcher(source).find()) {
          packages.computeIfAbsent(name, n -> new ArrayList<>()).add(declared.group(1));
        }
      }
    }
  }

  /** The source folders of all modules that are shipped. */
  private static List<Path> modules() throws IOException {
    try (Stream<Path> folders = Files.list(ROOT.resolve("java"))) {
      return folders
          .filter(folder -> !folder.endsWith("consumer-test"))
          .map(folder -> folder.resolve("src/main/java"))
          .filter(sources -> Files.exists(sources.resolve("module-info.java")))
          .toList();
    }
  }

  @Test
  void noTwoPublicClassesHaveOneName() throws IOException {
    List<Path> modules = modules();
    assertTrue(modules.size() >= 4, "modules: " + modules);
    Map<String, List<String>> packages = new TreeMap<>();
    for (Path sources : modules) {
      collect(sources, packages);
    }
    assertTrue(packages.size() > 150, packages.size() + " public classes");
    assertTrue(packages.get("Ops").equals(List.of("dev.halfstep.graph")), "of the graph");
    packages.values().removeIf(list -> list.size() == 1);
    assertEquals(Map.of(), packages);
  }

  @Test
  void importsOfWholeModulesCompile(@TempDir Path folder) throws Exception {
    Optional<Path> javac = javac25();
    assumeTrue(javac.isPresent(), "no JDK 25 or later in java.home and /usr/lib/jvm");
    List<String> classes = new ArrayList<>();
    for (String module : List.of("core", "train")) {
      Path sources = ROOT.resolve("java/" + module + "/src/main/java");
      String info = Files.readString(sources.resolve("module-info.java"));
      Set<String> exported =
          Set.copyOf(EXPORTED.matcher(info).results().map(match -> match.group(1)).toList());
      Map<String, List<String>> packages = new TreeMap<>();
      collect(sources, packages);
      packages.forEach(
          (name, list) -> {
            if (exported.containsAll(list)) {
              classes.add(name + ".class");
            }
          });
    }
    assertTrue(classes.containsAll(List.of("Tensor.class", "Ops.class", "Trainer.class")));
    Path source = folder.resolve("All.java");
    Files.writeString(
        source,
        "import module dev.halfstep;\nimport module dev.halfstep.train;\n\nclass All {\n"
            + "  Class<?>[] all = {"
            + String.join(", ", classes)
            + "};\n}\n");
    Path output = folder.resolve("javac.txt");
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> modulePath =
        Stream.of(path.split(File.pathSeparator))
            .filter(
                entry ->
                    entry.matches(".*(halfstep|java/(core|train|bindings)/|javacpp|slf4j-api).*"))
            .filter(entry -> !entry.matches(".*(test-classes|examples).*"))
            .toList();
    Process process =
        new ProcessBuilder(
                javac.get().toString(),
                "-proc:none",
                "--add-modules",
                "dev.halfstep.train",
                "--module-path",
                String.join(File.pathSeparator, modulePath),
                "-d",
                folder.resolve("out").toString(),
                source.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertEquals(0, process.waitFor(), Files.readString(output) + modulePath);
  }

  /** The compiler of a JDK that supports imports of modules. */
  private static Optional<Path> javac25() throws IOException {
    List<Path> homes = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"))));
    Path installed = Path.of("/usr/lib/jvm");
    if (Files.isDirectory(installed)) {
      try (Stream<Path> folders = Files.list(installed)) {
        homes.addAll(folders.sorted().toList());
      }
    }
    for (Path home : homes) {
      Path release = home.resolve("release");
      Path javac = home.resolve("bin/javac");
      if (Files.isReadable(release) && Files.isExecutable(javac)) {
        Matcher version = VERSION.matcher(Files.readString(release));
        if (version.find() && Integer.parseInt(version.group(1)) >= 25) {
          return Optional.of(javac);
        }
      }
    }
    return Optional.empty();
  }
}
