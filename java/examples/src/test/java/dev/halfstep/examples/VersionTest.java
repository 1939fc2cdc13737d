package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.bindings.Native;
import dev.halfstep.report.HalfstepVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The version stands in pom.xml; builds read it there, and documents that show it agree. */
class VersionTest {
  private static final Path ROOT =
      Path.of(System.getProperty("halfstep.root", "../..")).toAbsolutePath().normalize();

  private static final Pattern REVISION = Pattern.compile("<revision>(.*)</revision>");
  private static final Pattern DEPENDENCY =
      Pattern.compile("<groupId>dev\\.halfstep</groupId>[^$]*?<version>(.*?)</version>");
  private static final Pattern HEADING = Pattern.compile("(?m)^## (\\S+)");

  /** Those whose mention of the version another test here compares with pom.xml. */
  private static final Set<Path> CHECKED =
      Set.of(Path.of("pom.xml"), Path.of("README.md"), Path.of("CHANGELOG.md"));

  /** Measurements name the version that they were made with. */
  private static final Path RESULTS = Path.of("benchmarks/results");

  private static String version;

  @BeforeAll
  static void readVersion() throws IOException {
    List<String> found = find(REVISION, "pom.xml");
    assertEquals(1, found.size(), "<revision> in pom.xml: " + found);
    version = found.get(0);
  }

  /** What the group of a pattern is, wherever the pattern fits in a file. */
  private static List<String> find(Pattern pattern, String file) throws IOException {
    Matcher matcher = pattern.matcher(Files.readString(ROOT.resolve(file)));
    return matcher.results().map(result -> result.group(1)).toList();
  }

  /** The files that Git knows; the test is skipped in a copy of the sources without Git. */
  private static List<Path> trackedFiles() throws IOException {
    assumeTrue(Files.exists(ROOT.resolve(".git")), "no checkout: " + ROOT);
    Process git =
        new ProcessBuilder("git", "ls-files", "-z")
            .directory(ROOT.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String files = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return Pattern.compile("\\x00").splitAsStream(files).map(Path::of).toList();
  }

  /** The version without a qualifier such as {@code -SNAPSHOT}. */
  private static String number() {
    return version.replaceFirst("-.*", "");
  }

  /** Fits the version and its number, but no longer number that has it as a part. */
  private static Pattern mention() {
    return Pattern.compile(
        "(?<![\\d.])(%s|%s)(?!\\w|[.-]\\w*\\d)"
            .formatted(Pattern.quote(version), Pattern.quote(number())));
  }

  @Test
  void theVersionStandsInPomXmlAlone() throws IOException {
    Pattern mention = mention();
    List<String> mentions = new ArrayList<>();
    List<Path> read = new ArrayList<>();
    for (Path file : trackedFiles()) {
      Path absolute = ROOT.resolve(file);
      if (!CHECKED.contains(file) && !file.startsWith(RESULTS) && Files.isRegularFile(absolute)) {
        read.add(file);
        String text = Files.readString(absolute, StandardCharsets.ISO_8859_1);
        for (MatchResult found : mention.matcher(text).results().toList()) {
          mentions.add(file + ":" + text.substring(0, found.end()).lines().count());
        }
      }
    }
    assertTrue(
        read.containsAll(
            List.of(
                Path.of(".ci/run"),
                Path.of("native/CMakeLists.txt"),
                Path.of("java/bom/pom.xml"),
                Path.of("benchmarks/peers/pom.xml"))),
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
  void documentsShowTheVersion() throws IOException {
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
