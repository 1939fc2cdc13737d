package dev.halfstep.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The files of the repository, for tests that read them. All paths are relative to the root. */
final class SourceTree {
  static final Path ROOT =
      Path.of(System.getProperty("halfstep.root", "../..")).toAbsolutePath().normalize();

  /** Folders that are not under version control; see .gitignore. */
  private static final Set<String> LEFT_OUT =
      Set.of(".git", "target", "runs", "node_modules", ".vscode", ".idea", "__pycache__");

  private static final Pattern C_COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
  private static final Pattern SHELL_COMMENT = Pattern.compile("(?m)(?:^|\\s)#.*$");

  private SourceTree() {}

  static List<String> files() {
    List<String> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          ROOT,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
              return LEFT_OUT.contains(folder.getFileName().toString())
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              String name = file.getFileName().toString();
              if (!LEFT_OUT.contains(name) && !name.equals(".flattened-pom.xml")) {
                files.add(ROOT.relativize(file).toString());
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files.stream().sorted().toList();
  }

  /** The files whose paths match a regular expression. */
  static List<String> files(String pattern) {
    return files().stream().filter(file -> file.matches(pattern)).toList();
  }

  /** All folders with files, including those that contain only folders. */
  static Set<String> folders() {
    Set<String> folders = new TreeSet<>();
    for (String file : files()) {
      for (Path at = Path.of(file).getParent(); at != null; at = at.getParent()) {
        folders.add(at.toString());
      }
    }
    return folders;
  }

  /**
   * The documents, except results, which describe the code that was measured and not the current
   * one.
   */
  static List<String> documents() {
    return files("(?!benchmarks/results/).*\\.md");
  }

  static String read(String file) {
    try {
      // A binary file, such as a font, also gives some text.
      return Files.readString(ROOT.resolve(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(file, e);
    }
  }

  /** The comments of a source, each line without its comment marks; empty for other files. */
  static String comments(String file) {
    Pattern comment =
        file.matches(".*\\.(java|c|cpp|cu|h)")
            ? C_COMMENT
            : file.matches(
                    ".*(\\.(py|sh|cmake)|CMakeLists\\.txt|kernels\\.txt|\\.ci/\\w+|halfstep)")
                ? SHELL_COMMENT
                : null;
    if (comment == null) {
      return "";
    }
    Stream<String> found = comment.matcher(read(file)).results().map(MatchResult::group);
    return found
        .flatMap(String::lines)
        .map(line -> line.replaceFirst("^\\s*(/\\*\\*?|\\*/|\\*|//|#)", "").strip())
        .collect(Collectors.joining("\n"));
  }
}
