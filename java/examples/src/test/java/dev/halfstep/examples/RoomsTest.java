package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The packages of java/train are layers, and within each package hardly any classes depend on each
 * other in a circle, so that they can be read one by one. Both are computed from the sources
 * without comments.
 */
class RoomsTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("halfstep.root", "../.."), "java/train/src/main/java/dev/halfstep")
          .toAbsolutePath()
          .normalize();

  /** The layers: each package may use those before it. */
  private static final List<String> ORDER =
      List.of(
          "random",
          "files",
          "data",
          "graph",
          "nn",
          "optim",
          "metric",
          "schedule",
          "session",
          "train",
          "study");

  private static final int LARGEST_KNOT = 3;

  private static final Pattern NO_CODE =
      Pattern.compile(
          "/\\*.*?\\*/|//[^\\n]*|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\])+'",
          Pattern.DOTALL);
  private static final Pattern IMPORT =
      Pattern.compile("import (?:static )?((?:[a-z]\\w*\\.)+)([A-Z]\\w*)[^;]*;");
  private static final Pattern OWN_PACKAGE = Pattern.compile("dev\\.halfstep\\.(\\w+)\\.");
  private static final Pattern NAME = Pattern.compile("(?<![\\w.])[A-Z]\\w*");
  private static final Pattern PUBLIC = Pattern.compile("(?m)^public ");
  private static final Pattern PERMITS = Pattern.compile("\\bpermits\\s+([^{]+)\\{");

  /** The code of each class, by package and name. */
  private static final Map<String, Map<String, String>> CODE = new TreeMap<>();

  @BeforeAll
  static void readSources() throws IOException {
    try (Stream<Path> all = Files.walk(SOURCES)) {
      for (Path file : all.filter(path -> path.toString().endsWith(".java")).toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        String code = NO_CODE.matcher(Files.readString(file)).replaceAll(" ");
        if (!name.equals("package-info")) {
          String room = SOURCES.relativize(file.getParent()).toString();
          CODE.computeIfAbsent(room, r -> new TreeMap<>()).put(name, code);
        }
      }
    }
  }

  @Test
  void packagesUseOnlyThoseBelowThem() {
    assertEquals(new TreeSet<>(ORDER), CODE.keySet(), "the packages, lowest first");
    List<String> upward = new ArrayList<>();
    CODE.forEach(
        (room, classes) ->
            classes.forEach(
                (name, code) -> {
                  Matcher used = OWN_PACKAGE.matcher(code);
                  while (used.find()) {
                    if (ORDER.indexOf(used.group(1)) > ORDER.indexOf(room)) {
                      upward.add(room + "." + name + " -> " + used.group(1));
                    }
                  }
                }));
    assertEquals(List.of(), upward);
  }

  @Test
  void fewClassesNeedEachOtherInACircle() {
    CODE.forEach(
        (room, classes) -> {
          Set<String> largest = largestKnot(uses(classes));
          assertTrue(
              largest.size() <= LARGEST_KNOT, room + ": each needs all others of " + largest);
        });
  }

  @Test
  void aKnotIsFound() {
    Map<String, Set<String>> chain = new HashMap<>();
    chain.put("A", Set.of("B"));
    chain.put("B", Set.of("C"));
    chain.put("C", Set.of("A", "D"));
    chain.put("D", Set.of());
    assertEquals(Set.of("A", "B", "C"), largestKnot(chain));
    Map<String, String> sealed =
        Map.of(
            "Shape", "sealed interface Shape permits Circle, Square { Ruler ruler(); }",
            "Circle", "record Circle() implements Shape {}",
            "Square", "record Square() implements Shape {}",
            "Ruler", "public class Ruler { Square first; }");
    assertEquals(Set.of("Shape", "Ruler"), largestKnot(uses(sealed)));
    Map<String, String> parts =
        Map.of(
            "Reader", "public class Reader { Lines lines; Other other; }",
            "Lines", "class Lines { Reader reader; }",
            "Other", "public class Other { Reader reader; }");
    assertEquals(Set.of("Reader", "Other"), largestKnot(uses(parts)));
  }

  /**
   * For each class, the classes of its package that it names. A sealed type counts as one class
   * with its permitted types; so does a class with the non-public classes that only it names, which
   * are parts of it.
   */
  private static Map<String, Set<String>> uses(Map<String, String> classes) {
    Map<String, String> family = families(classes);
    Map<String, Set<String>> uses = new TreeMap<>();
    names(classes)
        .forEach(
            (name, named) -> {
              String head = head(name, family);
              Set<String> used = uses.computeIfAbsent(head, n -> new TreeSet<>());
              named.forEach(other -> used.add(head(other, family)));
              used.remove(head);
            });
    return uses;
  }

  /** The class to which each class belongs as a part, if any. */
  private static Map<String, String> families(Map<String, String> classes) {
    Map<String, String> family = new HashMap<>();
    classes.forEach(
        (name, code) -> {
          Matcher permits = PERMITS.matcher(code);
          if (permits.find()) {
            Stream.of(permits.group(1).split(","))
                .map(String::strip)
                .filter(classes::containsKey)
                .forEach(permitted -> family.put(permitted, name));
          }
        });
    Map<String, Set<String>> namedBy = new TreeMap<>();
    names(classes)
        .forEach(
            (name, named) ->
                named.forEach(
                    other -> namedBy.computeIfAbsent(other, n -> new TreeSet<>()).add(name)));
    namedBy.forEach(
        (name, users) -> {
          if (users.size() == 1 && !PUBLIC.matcher(classes.get(name)).find()) {
            family.putIfAbsent(name, users.iterator().next());
          }
        });
    return family;
  }

  private static String head(String name, Map<String, String> family) {
    String head = name;
    for (int i = 0; i < family.size() && family.containsKey(head); i++) {
      head = family.get(head);
    }
    return head;
  }

  /** For each class, the other classes of its package that it names. */
  private static Map<String, Set<String>> names(Map<String, String> classes) {
    Map<String, Set<String>> names = new TreeMap<>();
    classes.forEach(
        (name, code) -> {
          Set<String> foreign = new TreeSet<>();
          Matcher imported = IMPORT.matcher(code);
          while (imported.find()) {
            foreign.add(imported.group(2));
          }
          Set<String> used = names.computeIfAbsent(name, n -> new TreeSet<>());
          Matcher named = NAME.matcher(IMPORT.matcher(code).replaceAll(""));
          while (named.find()) {
            String other = named.group();
            if (classes.containsKey(other) && !foreign.contains(other) && !other.equals(name)) {
              used.add(other);
            }
          }
        });
    return names;
  }

  /** The largest set of classes that can all be reached from each other. */
  private static Set<String> largestKnot(Map<String, Set<String>> uses) {
    Map<String, Set<String>> reached = new TreeMap<>();
    for (String from : uses.keySet()) {
      Set<String> seen = new TreeSet<>();
      List<String> open = new ArrayList<>(uses.get(from));
      while (!open.isEmpty()) {
        String next = open.remove(open.size() - 1);
        if (seen.add(next)) {
          open.addAll(uses.getOrDefault(next, Set.of()));
        }
      }
      reached.put(from, seen);
    }
    Set<String> largest = Set.of();
    for (String name : uses.keySet()) {
      Set<String> knot = new TreeSet<>(reached.get(name));
      knot.removeIf(other -> !reached.getOrDefault(other, Set.of()).contains(name));
      largest = knot.size() > largest.size() ? knot : largest;
    }
    return largest;
  }
}
