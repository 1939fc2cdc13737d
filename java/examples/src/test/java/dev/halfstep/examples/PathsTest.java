package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * No file names a folder outside the repository, neither on a developer's machine nor beside the
 * repository. Only tests may read real data from {@code ../shared/data}, and they must work without
 * it.
 */
class PathsTest {
  private static final Pattern OUTSIDE =
      Pattern.compile(
          "(?<![\\w.$}~-])/(?:work|root|home|Users|mnt|srv)(?![\\w-])"
              + "|\\b[A-Z]:\\\\{1,2}Users\\b"
              + "|\\.\\./shared(?!/data(?![\\w-]))");

  private static List<String> outside(String file, String text) {
    List<String> lines = new ArrayList<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      if (OUTSIDE.matcher(line).find()) {
        lines.add(file + ":" + number + ": " + line.strip());
      }
    }
    return lines;
  }

  @Test
  void noFileNamesAFolderOutsideTheRepository() {
    List<String> files = SourceTree.files();
    assertTrue(files.size() > 500, files.size() + " files");
    List<String> found = new ArrayList<>();
    files.forEach(file -> found.addAll(outside(file, SourceTree.read(file))));
    assertEquals(List.of(), found);
  }

  @Test
  void aFolderOutsideIsFound() {
    String up = "..";
    for (String bad :
        List.of(
            "see /" + "work/main",
            "\"/" + "root\"",
            "file:///" + "home/me",
            "C:" + "\\Users\\me",
            "C:" + "\\\\Users",
            up + "/shared/cases",
            up + "/shared",
            up + "/shared/database")) {
      assertEquals(List.of("f:2: " + bad), outside("f", "\n" + bad + "\n"), bad);
    }
    for (String good :
        List.of(up + "/shared/data/mnist", "$HOME/work", "https://x.org/home", "a/root/b")) {
      assertEquals(List.of(), outside("f", good), good);
    }
  }
}
