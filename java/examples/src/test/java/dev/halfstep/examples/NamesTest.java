package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the documents name between back-ticks exists: classes, their members, files. */
class NamesTest {
  private static final Path ROOT =
      Path.of(System.getProperty("halfstep.root", "../..")).toAbsolutePath().normalize();

  private static final Pattern CODE = Pattern.compile("`([^`\\n]+)`");
  private static final Pattern CLASS =
      Pattern.compile("([A-Z]\\w*[a-z]\\w*)(?:\\.(\\w+))?(?:\\(.*\\))?");
  private static final Pattern DECLARED =
      Pattern.compile("\\b(?:class|record|interface|enum) (\\w+)");

  /** PyTorch's, Java's and JavaCPP's. */
  private static final Set<String> FOREIGN =
      Set.of("OneCycleLR", "ReduceLROnPlateau", "GradScaler", "NaN", "Future", "Pointer");

  /** Folders that commands make. */
  private static final Pattern MADE = Pattern.compile("(target|runs|~)/.*");

  private static final Map<String, String> CLASSES = new HashMap<>();
  private static final List<Path> FILES = new ArrayList<>();

  @BeforeAll
  static void readSources() throws IOException {
    for (String folder : List.of("java", "native", "benchmarks", "cmake")) {
      try (Stream<Path> paths = Files.walk(ROOT.resolve(folder))) {
        paths
            .map(ROOT::relativize)
            .filter(path -> !path.toString().matches(".*/(target|node_modules)(/.*)?"))
            .forEach(FILES::add);
      }
    }
    for (Path file : FILES) {
      if (file.toString().endsWith(".java")) {
        String source = Files.readString(ROOT.resolve(file));
        Matcher declared = DECLARED.matcher(source);
        while (declared.find()) {
          CLASSES.merge(declared.group(1), source, String::concat);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "java/README.md",
        "java/report/REPORT.md",
        "benchmarks/README.md"
      })
  void everyNameExists(String document) throws IOException {
    List<String> names = names(Files.readString(ROOT.resolve(document)));
    assertTrue(names.size() > 10, document + " names " + names);
    assertEquals(
        List.of(), names.stream().filter(name -> !exists(document, name)).toList(), document);
  }

  @Test
  void aNameThatDoesNotExistIsFound() {
    for (String name :
        List.of(
            "Checkpoint",
            "Checkpoints.nowhere",
            "AdamW.of(0.1)",
            "native/src/core/kernel_calls.cpp")) {
      assertEquals(false, exists("README.md", name), name);
    }
    for (String name :
        List.of(
            "Checkpoints.in(folder, 7)",
            "Finding",
            "LossScaling",
            "native/test/<family>_test.cpp")) {
      assertEquals(true, exists("README.md", name), name);
    }
  }

  /** What stands between back-ticks outside of blocks of code. */
  private static List<String> names(String text) {
    String prose = text.replaceAll("(?s)```.*?```", "").replaceAll("(?m)^    .*$", "");
    return CODE.matcher(prose).results().map(match -> match.group(1)).toList();
  }

  /** Whether a class, or one that it extends, has such a member. */
  private static boolean hasMember(String name, String member) {
    String source = CLASSES.getOrDefault(name, "");
    Matcher extended = Pattern.compile("\\bclass " + name + " extends (\\w+)").matcher(source);
    return Pattern.compile("\\b" + member + "\\s*[(;,=)]").matcher(source).find()
        || (extended.find() && hasMember(extended.group(1), member));
  }

  private static boolean exists(String document, String name) {
    Matcher named = CLASS.matcher(name);
    if (named.matches()) {
      String source = CLASSES.get(named.group(1));
      String member = named.group(2);
      return FOREIGN.contains(named.group(1))
          || (source != null && (member == null || hasMember(named.group(1), member)));
    }
    if (!name.contains("/") || name.contains(" ") || MADE.matcher(name).matches()) {
      return true;
    }
    if (Files.exists(ROOT.resolve(name))
        || Files.exists(ROOT.resolve(document).resolveSibling(name))) {
      return true;
    }
    PathMatcher matcher =
        FileSystems.getDefault().getPathMatcher("glob:" + name.replaceAll("<\\w+>", "*"));
    return FILES.stream().anyMatch(matcher::matches);
  }
}
