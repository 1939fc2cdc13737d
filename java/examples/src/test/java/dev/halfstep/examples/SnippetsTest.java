package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The documents show only code that the build compiles and runs. */
class SnippetsTest {
  private static final Path ROOT = SourceTree.ROOT;
  private static final Path SOURCES = ROOT.resolve("java/examples/src");

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "java/README.md"})
  void everySnippetIsAPieceOfACompiledSource(String document) throws IOException {
    List<String> sources = new ArrayList<>();
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(file -> file.toString().endsWith(".java")).toList()) {
        sources.add(unindented(Files.readString(file)));
      }
    }
    List<String> snippets = snippets(document);

    assertFalse(snippets.isEmpty(), document + " has no Java");
    for (String snippet : snippets) {
      String wanted = "\n" + unindented(snippet).strip() + "\n";
      assertTrue(
          sources.stream().anyMatch(source -> source.contains(wanted)),
          () -> document + " shows what is in no source of " + SOURCES + ":\n" + snippet);
    }
  }

  @Test
  void theGuideShowsEveryTestOfItsSnippets() throws IOException {
    String guide = String.join("\n", snippets("java/README.md"));
    String tests =
        Files.readString(SOURCES.resolve("test/java/dev/halfstep/examples/GuideTest.java"));
    Matcher test = Pattern.compile("@Test\n  void (\\w+)\\(.*\n((?:.+\n)+)\n").matcher(tests);
    int count = 0;
    while (test.find()) {
      count++;
      if (!unindented(guide).contains(unindented(test.group(2)).strip())) {
        fail("java/README.md does not show " + test.group(1) + ":\n" + test.group(2));
      }
    }
    assertTrue(count > 20, count + " snippets");
  }

  static List<String> documents() {
    return SourceTree.documents();
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyLinkLeadsToAFile(String document) throws IOException {
    Path file = ROOT.resolve(document);
    Matcher link = Pattern.compile("]\\(([^)#]+)(#[^)]*)?\\)").matcher(Files.readString(file));
    while (link.find()) {
      String target = link.group(1);
      Path place = file.resolveSibling(target);
      assertTrue(target.contains("://") || Files.exists(place), document + " links to " + target);
    }
  }

  private static List<String> snippets(String document) throws IOException {
    String text = Files.readString(ROOT.resolve(document));
    return Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
        .matcher(text)
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining("\n", "\n", "\n"));
  }
}
