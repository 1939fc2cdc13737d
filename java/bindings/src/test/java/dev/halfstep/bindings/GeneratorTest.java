package dev.halfstep.bindings;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The generator in native/generator, as the build has compiled it, on tables that are wrong. */
class GeneratorTest {
  private static final Path NATIVE = Path.of("../../native");

  @TempDir private Path folder;
  private Path table;
  private Path header;

  @BeforeEach
  void copyTheTableAndTheHeader() throws IOException {
    table = folder.resolve("kernels.txt");
    header = folder.resolve("include/halfstep.h");
    Files.createDirectories(header.getParent());
    Files.copy(NATIVE.resolve("kernels.txt"), table);
    Files.copy(NATIVE.resolve("include/halfstep.h"), header);
  }

  private String outputOf(int status) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                java,
                "-cp",
                Path.of("target/generator").toAbsolutePath().toString(),
                "generator.Generate",
                folder.toString(),
                "bindings",
                folder.resolve("out").toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertEquals(status, process.waitFor(), output);
    return output;
  }

  /** Replaces words of a file; the number of the line where the replacement begins. */
  private static int replace(Path file, String words, String others) throws IOException {
    String text = Files.readString(file);
    int at = text.indexOf(words);
    assertTrue(at >= 0, words);
    Files.writeString(file, text.substring(0, at) + others + text.substring(at + words.length()));
    return (int) text.substring(0, at).chars().filter(c -> c == '\n').count() + 1;
  }

  private void assertRefused(String... words) throws Exception {
    String output = outputOf(1);
    for (String each : words) {
      assertTrue(output.contains(each), output + " lacks: " + each);
    }
  }

  @Test
  void theSameTableWritesNothingAnew() throws Exception {
    outputOf(0);
    Path written = folder.resolve("out/dev/halfstep/bindings/ArrayCalls.java");
    FileTime longAgo = FileTime.fromMillis(1000);
    Files.setLastModifiedTime(written, longAgo);
    outputOf(0);
    assertEquals(longAgo, Files.getLastModifiedTime(written));
  }

  @Test
  void aParameterOfAnotherNameIsRefusedWithBothPlaces() throws Exception {
    int line = replace(header, "HS_API hs_status hs_scale_add(", "HS_API hs_status hs_scale_add(");
    int there = replace(table, "kernel scale_add", "kernel scale_add");
    replace(table, "values type count alpha\n", "values type count factor\n");
    assertRefused(
        table + ":" + there + ": ",
        header + ":" + line + ": hs_scale_add has 'float alpha'",
        "'factor' as parameter 3");
  }

  @Test
  void anAddressThatTheTableTakesForANumberIsRefused() throws Exception {
    replace(table, "  in x type count needs=count\n  values beta\n", "  values x\n  values beta\n");
    assertRefused("hs_scale_add has 'hs_ptr x' there", "of another kind");
  }

  @Test
  void aFunctionWithoutAParagraphIsRefused() throws Exception {
    int line =
        replace(
            header,
            "HS_API hs_status hs_scale_add(",
            "HS_API hs_status hs_clamp(hs_stream stream, hs_ptr x);\n"
                + "HS_API hs_status hs_scale_add(");
    assertRefused(header + ":" + line + ": hs_clamp", "has no 'kernel clamp'");
  }

  @Test
  void aKernelThatTheHeaderLacksAndATypeThatIsNoneAreRefused() throws Exception {
    String original = Files.readString(table);
    int line = replace(table, "kernel dropout", "kernel drop");
    assertRefused(table + ":" + line + ": ", "has no function hs_drop");
    Files.writeString(table, original);
    replace(table, "in gamma f32 channels", "in gamma f23 channels");
    assertRefused("gamma is of type 'f23'");
  }

  @Test
  void aLineThatIsNothingIsRefused() throws Exception {
    int line = replace(table, "  short a b c", "  shorter a b c");
    assertRefused(table + ":" + line + ": 'shorter' is nothing that a kernel has");
  }
}
