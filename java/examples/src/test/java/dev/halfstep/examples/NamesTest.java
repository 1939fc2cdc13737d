package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Documents and comments name only classes, members, files and folders that exist. (The javadoc
 * tool checks links in Javadoc.)
 */
class NamesTest {
  private static final Pattern CODE = Pattern.compile("`([^`\\n]+)`");
  private static final Pattern JAVADOC_CODE = Pattern.compile("\\{@code\\s+([^{}]+)}");
  private static final Pattern CLASS =
      Pattern.compile(
          "(?:dev\\.halfstep\\.(?:[a-z]+\\.)*)?([A-Z]\\w*[a-z]\\w*)(?:[.#](\\w+))?(?:\\(.*\\))?");
  private static final Pattern DECLARED =
      Pattern.compile("\\b(?:class|record|interface|enum) (\\w+)");

  /** The name of a source file in a comment, with or without its folders. */
  private static final Pattern SOURCE =
      Pattern.compile(
          "(?<![\\w./<>$}-])([\\w.*/<>-]*[\\w*>]\\.(?:java|c|cpp|cu|h|cmake|sh|py))\\b");

  private static final Pattern FOLDER =
      Pattern.compile("(?<![\\w./$}-])((?:native|java|benchmarks|cmake)/[\\w./<>*-]*[\\w>*])");

  /** Words that stand for the name of a family or a kernel. */
  private static final Pattern ANY = Pattern.compile("<[\\w ]+>|\\b(?:NAME|FAMILY)\\b");

  /**
   * PyTorch's and JavaCPP's classes, events of the flight recorder, a value, and the suffix of
   * class names.
   */
  private static final Set<String> FOREIGN =
      Set.of(
          "OneCycleLR",
          "StepLR",
          "ExponentialLR",
          "CyclicLR",
          "ReduceLROnPlateau",
          "GradScaler",
          "MSELoss",
          "BCEWithLogitsLoss",
          "CrossEntropyLoss",
          "MultiheadAttention",
          "CUstream",
          "Pointer",
          "LongPointer",
          "PointerScope",
          "Allocation",
          "Steps",
          "NaN",
          "Op");

  private static final List<String> JDK =
      List.of("java.lang.", "java.util.", "java.util.concurrent.", "java.nio.file.");

  /** Files and folders that commands create, and the data that tests may use. */
  private static final Pattern MADE = Pattern.compile("(target|runs|~)/.*|\\.\\./shared/data");

  /** The files that native/generator writes into target. */
  private static final List<String> GENERATED =
      List.of(
          "core/kernel_args.h",
          "core/kernel_calls.cpp",
          "core/kernel_checks.h",
          "dev/halfstep/bindings/ArrayCalls.java",
          "dev/halfstep/kernel/KernelCases.java",
          "dev/halfstep/kernel/MatmulKernelForms.java");

  private static final Map<String, String> CLASSES = new HashMap<>();
  private static final Set<String> PATHS = new HashSet<>();

  @BeforeAll
  static void readSources() {
    PATHS.addAll(SourceTree.files());
    PATHS.addAll(SourceTree.folders());
    PATHS.addAll(GENERATED);
    for (String file : SourceTree.files(".*\\.java")) {
      String source = SourceTree.read(file);
      DECLARED
          .matcher(source)
          .results()
          .forEach(declared -> CLASSES.merge(declared.group(1), source, String::concat));
    }
    for (String file : GENERATED) {
      CLASSES.putIfAbsent(file.replaceAll(".*/|\\.\\w+", ""), "");
    }
  }

  static List<String> documents() {
    return SourceTree.documents();
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyNameExists(String document) {
    List<String> names = names(SourceTree.read(document));
    assertEquals(
        List.of(), names.stream().filter(name -> !exists(document, name)).toList(), document);
  }

  @Test
  void everyNameInACommentExists() {
    List<String> missing = new ArrayList<>();
    int count = 0;
    for (String file : SourceTree.files()) {
      List<String> names = namesInComments(file, SourceTree.comments(file));
      count += names.size();
      names.stream()
          .filter(name -> !exists(file, name))
          .forEach(name -> missing.add(file + " names " + name));
    }
    assertEquals(List.of(), missing);
    assertTrue(count > 200, count + " names in comments");
  }

  @Test
  void documentsHaveNames() {
    assertTrue(documents().containsAll(List.of("README.md", "ARCHITECTURE.md", "java/README.md")));
    int count = documents().stream().mapToInt(d -> names(SourceTree.read(d)).size()).sum();
    assertTrue(count > 500, count + " names in documents");
  }

  @Test
  void aNameThatDoesNotExistIsFound() {
    for (String name :
        List.of(
            "Checkpoint",
            "Checkpoints.nowhere",
            "Checkpoints.nowhere(folder)",
            "dev.halfstep.train.Checkpoint",
            "AdamW.of(0.1)",
            "kernel_call.cpp",
            "calls/<family>.h",
            "native/src/core/kernel_calls.cpp")) {
      assertEquals(false, exists("README.md", name), name);
    }
    for (String name :
        List.of(
            "Checkpoints.in(folder, 7)",
            "Finding",
            "LossScaling",
            "String.valueOf(x)",
            "kernel_calls.cpp",
            "calls/<family>.cpp",
            "cuda/NAME.cu",
            "*Forms.java",
            "native/test/<family>_test.cpp")) {
      assertEquals(true, exists("README.md", name), name);
    }
    assertEquals(
        List.of("a/b.cpp", "native/src/<x>/y.h", "native/src/<x>/y.h", "java/core"),
        namesInComments(
            "x.cpp", "see a/b.cpp and native/src/<x>/y.h,\nin java/core; {@code Gone}"));
    assertEquals(List.of("Gone"), namesInComments("X.java", "a {@code\nGone} class"));
  }

  /** The texts between back-ticks outside blocks of code. */
  private static List<String> names(String text) {
    String prose = text.replaceAll("(?s)```.*?```", "").replaceAll("(?m)^    .*$", "");
    return CODE.matcher(prose).results().map(match -> match.group(1)).toList();
  }

  /** The source files and folders in comments, and the possible class names in Javadoc. */
  private static List<String> namesInComments(String file, String comments) {
    List<String> names = new ArrayList<>();
    for (Pattern pattern : List.of(SOURCE, FOLDER)) {
      pattern.matcher(comments).results().map(MatchResult::group).forEach(names::add);
    }
    if (file.endsWith(".java")) {
      JAVADOC_CODE
          .matcher(comments)
          .results()
          .map(match -> match.group(1).replaceAll("\\s+", " ").strip())
          .filter(name -> CLASS.matcher(name).matches())
          .forEach(names::add);
    }
    return names;
  }

  /** Whether a class, or one that it extends, has this member. */
  private static boolean hasMember(String name, String member) {
    String source = CLASSES.getOrDefault(name, "");
    Matcher extended = Pattern.compile("\\bclass " + name + " extends (\\w+)").matcher(source);
    return Pattern.compile("\\b" + member + "\\s*[(;,=)<{]").matcher(source).find()
        || (extended.find() && hasMember(extended.group(1), member));
  }

  private static boolean isOfJdk(String name) {
    return JDK.stream()
        .map(start -> (start + name).replace('.', '/') + ".class")
        .anyMatch(file -> ClassLoader.getSystemResource(file) != null);
  }

  private static boolean exists(String document, String name) {
    Matcher named = CLASS.matcher(name);
    if (named.matches() && !SOURCE.matcher(name).matches()) {
      String source = CLASSES.get(named.group(1));
      String member = named.group(2);
      return source != null
          ? member == null || hasMember(named.group(1), member)
          : FOREIGN.contains(named.group(1)) || isOfJdk(named.group(1));
    }
    boolean path = name.contains("/") || SOURCE.matcher(name).matches();
    if (!path || name.contains(" ") || MADE.matcher(name).matches()) {
      return true;
    }
    String wanted = ANY.matcher(name).replaceAll("*").replaceAll("/$", "");
    Path beside = Path.of(document).resolveSibling(wanted).normalize();
    if (PATHS.contains(wanted) || PATHS.contains(beside.toString())) {
      return true;
    }
    Pattern anywhere = Pattern.compile("(.*/)?" + wanted.replace(".", "\\.").replace("*", "[^/]*"));
    return PATHS.stream().anyMatch(existing -> anywhere.matcher(existing).matches());
  }
}
