package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles the examples in Javadoc, marked by {@code pre} with {@code code} in it. Each becomes the
 * body of a method, in a class that imports all packages and has the fields of {@link #GIVEN},
 * which examples may use without declaring them. Text that is not Java is marked by {@code
 * literal}.
 */
class JavadocExamplesTest {
  private static final Pattern EXAMPLE =
      Pattern.compile("<pre>\\s*\\{@code\\n(.*?)\\n}</pre>", Pattern.DOTALL);
  private static final Pattern OTHER_EXAMPLE =
      Pattern.compile("<pre>\\s*\\{@(?!code\\n|literal\\n)|\\{@snippet");
  private static final Pattern PACKAGE =
      Pattern.compile(
          "java/(?:core|train|report|onnx)/src/main/java/(dev/halfstep(?:/\\w+)*)/package-info\\.java");

  private static final String GIVEN =
      """
      abstract class Given {
        int m, n, k, epoch;
        long seed;
        float[] a, b, c, x, y, samples, pixels;
        Path file;
        List<String> names;
        Device device;
        Dataset data, dataset, train, heldOut;
        CsvData houses;
        Normalization normalization;
        Model model;
        Layer tower;
        SessionBuilder options;
        TrainerBuilder builder;
        Trainer trainer;
        History history;

        abstract double meanAbsoluteError(float[] outputs, Dataset data);
      }
      """;

  /** A source in memory. */
  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("string:///examples/" + name + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  /** The examples by their place: the file, and the number of the example in it. */
  private static Map<String, String> examples() {
    Map<String, String> examples = new TreeMap<>();
    for (String file : SourceTree.files("java/\\w+/src/main/java/.*\\.java")) {
      List<String> found =
          EXAMPLE
              .matcher(SourceTree.comments(file))
              .results()
              .map(match -> match.group(1))
              .toList();
      for (int i = 0; i < found.size(); i++) {
        examples.put(file + " " + (i + 1), found.get(i));
      }
    }
    return examples;
  }

  private static String imports() {
    Stream<String> own =
        SourceTree.files(PACKAGE.pattern()).stream()
            .map(file -> PACKAGE.matcher(file).replaceFirst("$1").replace('/', '.'))
            .filter(name -> !name.endsWith(".internal"));
    Stream<String> jdk =
        Stream.of("java.io", "java.nio", "java.nio.channels", "java.nio.file", "java.util");
    return Stream.concat(own, jdk)
        .map(name -> "import " + name + ".*;\n")
        .collect(Collectors.joining());
  }

  /** The compiler's messages for examples, by their place. */
  private static Map<String, List<String>> errors(Map<String, String> examples, Path out) {
    List<Source> sources = new ArrayList<>();
    String imports = "package examples;\n" + imports();
    sources.add(new Source("Given", imports + GIVEN));
    List<String> places = new ArrayList<>(examples.keySet());
    for (int i = 0; i < places.size(); i++) {
      String name = "Example" + i;
      String head = "abstract class " + name + " extends Given {\n void run() throws Exception {\n";
      sources.add(new Source(name, imports + head + examples.get(places.get(i)) + "\n }\n}\n"));
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> arguments =
        List.of("-proc:none", "-nowarn", "-d", out.toString(), "-classpath", classPath);
    compiler.getTask(null, null, said, arguments, null, sources).call();
    Map<String, List<String>> errors = new TreeMap<>();
    for (Diagnostic<? extends JavaFileObject> one : said.getDiagnostics()) {
      if (one.getKind() == Diagnostic.Kind.ERROR) {
        String name = one.getSource() == null ? "" : one.getSource().getName();
        String number = name.replaceAll(".*Example(\\d+)\\.java", "$1");
        String place = number.matches("\\d+") ? places.get(Integer.parseInt(number)) : name;
        errors.computeIfAbsent(place, p -> new ArrayList<>()).add(one.getMessage(null));
      }
    }
    return errors;
  }

  @Test
  void everyExampleCompiles(@TempDir Path out) {
    Map<String, String> examples = examples();
    assertTrue(examples.size() >= 30, examples.keySet().toString());
    assertEquals(Map.of(), errors(examples, out));
  }

  @Test
  void everyExampleIsFound() {
    for (String file : SourceTree.files("java/\\w+/src/main/java/.*\\.java")) {
      assertEquals(
          List.of(),
          OTHER_EXAMPLE
              .matcher(SourceTree.comments(file))
              .results()
              .map(MatchResult::group)
              .toList(),
          file
              + " has an example that is not compiled: write <pre>{@code, a new line, the example,"
              + " a new line, }</pre>");
    }
  }

  @Test
  void anExampleThatDoesNotCompileIsFound(@TempDir Path out) {
    Map<String, String> examples =
        Map.of(
            "good", "Shape shape = Shape.of(2, 3);",
            "unknown", "Shape shape = Shape.off(2, 3);",
            "incomplete", "model.predict(...);");
    assertEquals(
        new TreeSet<>(List.of("incomplete")), new TreeSet<>(errors(examples, out).keySet()));
    assertEquals(
        new TreeSet<>(List.of("unknown")),
        new TreeSet<>(
            errors(Map.of("good", examples.get("good"), "unknown", examples.get("unknown")), out)
                .keySet()));
  }
}
