package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.bindings.Native;
import dev.halfstep.report.HalfstepVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Only pom.xml defines the version: builds read it there, and documents agree with it. */
class VersionTest {
  private static final Pattern REVISION = Pattern.compile("<revision>(.*)</revision>");
  private static final Pattern DEPENDENCY =
      Pattern.compile("<groupId>dev\\.halfstep</groupId>[^$]*?<version>(.*?)</version>");
  private static final Pattern HEADING = Pattern.compile("(?m)^## (\\S+)");

  /** Files whose version another test here compares with pom.xml. */
  private static final Set<String> CHECKED = Set.of("pom.xml", "README.md", "CHANGELOG.md");

  private static String version;

  @BeforeAll
  static void readVersion() {
    List<String> found = find(REVISION, "pom.xml");
    assertEquals(1, found.size(), "<revision> in pom.xml: " + found);
    version = found.get(0);
  }

  /** The first group of each match of a pattern in a file. */
  private static List<String> find(Pattern pattern, String file) {
    Matcher matcher = pattern.matcher(SourceTree.read(file));
    return matcher.results().map(result -> result.group(1)).toList();
  }

  /** The version without a qualifier such as {@code -SNAPSHOT}. */
  private static String number() {
    return version.replaceFirst("-.*", "");
  }

  /** Matches the version and its number, but no longer number that contains it. */
  private static Pattern mention() {
    return Pattern.compile(
        "(?<![\\d.])(%s|%s)(?!\\w|[.-]\\w*\\d)"
            .formatted(Pattern.quote(version), Pattern.quote(number())));
  }

  @Test
  void theVersionStandsInPomXmlAlone() {
    // Measurements, in benchmarks/results, name the version that they were made with.
    Pattern mention = mention();
    List<String> mentions = new ArrayList<>();
    List<String> read = SourceTree.files("(?!benchmarks/results/).*");
    for (String file : read) {
      if (!CHECKED.contains(file)) {
        String text = SourceTree.read(file);
        for (MatchResult found : mention.matcher(text).results().toList()) {
          mentions.add(file + ":" + text.substring(0, found.end()).lines().count());
        }
      }
    }
    assertTrue(
        read.containsAll(
            List.of(
                ".ci/run",
                "native/CMakeLists.txt",
                "java/bom/pom.xml",
                "benchmarks/peers/pom.xml")),
        "read: " + read);
    assertEquals(List.of(), mentions, "read <revision> of pom.xml instead of writing " + version);
  }

  @Test
  void aMentionOfTheVersionIsFound() {
    Pattern mention = mention();
    for (String text :
        List.of(
            version,
            "<version>" + version + "</version>",
            "halfstep-" + version + ".jar",
            "VERSION " + number() + " LANGUAGES",
            number() + "-SNAPSHOT",
            "v" + number(),
            "such as " + number() + ".")) {
      assertTrue(mention.matcher(text).find(), text);
    }
    for (String text :
        List.of(
            "7" + number(), "7." + number(), number() + "7", number() + ".7", number() + "-M2")) {
      assertFalse(mention.matcher(text).find(), text);
    }
  }

  @Test
  void documentsShowTheVersion() {
    List<String> dependencies = find(DEPENDENCY, "README.md");
    assertEquals(2, dependencies.size(), "dependencies in README.md: " + dependencies);
    assertEquals(Set.of(version), Set.copyOf(dependencies), "README.md");
    assertEquals(number(), find(HEADING, "CHANGELOG.md").get(0), "the first of CHANGELOG.md");
  }

  @Test
  void whatIsBuiltReportsTheVersion() {
    assertEquals(version, HalfstepVersion.current(), "build the Java modules again");
    String library = Native.hs_version().getString();
    assertEquals(version, library.replaceFirst(" .*", ""), "build the native library again");
  }
}
