package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How the first line, the separator and the columns of a file are interpreted, and the doubts that
 * are reported.
 */
class CsvFormTest {
  private final Path folder;

  CsvFormTest(@TempDir Path folder) {
    this.folder = folder;
  }

  /** A file with this first line, two normally distributed features, and a class. */
  private static String clouds(String first, String separator, String... classes) {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder(first);
    for (int i = 0; i < 60; i++) {
      String x = String.format("%.2f", random.nextGaussian() + 3 * (i % classes.length));
      String y = String.format("%.2f", random.nextGaussian());
      text.append(String.join(separator, x, y, classes[i % classes.length])).append('\n');
    }
    return text.toString();
  }

  @Test
  void aHeaderOfNumbersAboveClassesOfNumbersIsAsked() throws IOException {
    Path file = write(clouds("2019,2020,class\n", ",", "0", "1"));
    refused(
        ", line 1, column 3: \"class\" stands above numbers as the name of a column does, but the"
            + " line has numbers too: say whether it is a header (--header) or a sample",
        Csv.file(file));
    CsvData data = Csv.file(file).withHeader(true).load();
    assertEquals(List.of("2019", "2020"), names(data));
    assertEquals(List.of("0", "1"), data.schema().target().classes());
    assertEquals(60, size(data));
    assertEquals(60, size(Csv.file(file).withLabel("class").load()));
    refused(
        "line 1, column \"column 3\": \"class\", expected a finite number",
        Csv.file(write(clouds("2019,2020,class\n", ",", "0.5", "1.5")))
            .withHeader(false)
            .asRegression());
  }

  @Test
  void aHeaderOfNumbersAboveClassesOfWordsIsDoubted() throws IOException {
    CsvData data = Csv.file(write(clouds("2019,2020,class\n", ",", "a", "b"))).load();
    assertEquals(61, size(data));
    CsvDoubt doubt = only(CsvDoubt.Kind.FIRST_LINE, data);
    assertEquals(
        "the first line was taken as a sample, but its class \"class\" occurs in no other, and 2 of"
            + " its 2 numbers lie far from those of all others",
        doubt.evidence());
    assertEquals("if it names the columns, say --header", doubt.advice());
    assertEquals(
        List.of(),
        Csv.file(write(clouds("", ",", "a", "b"))).load().doubts(),
        "a file that is nothing but samples");
  }

  @Test
  void aFileOfTextsWithoutAHeaderKeepsItsFirstSample() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      text.append(i % 2 == 0 ? "p,x," : "e,y,").append(i % 3 == 0 ? "s\n" : "t\n");
    }
    CsvData data = Csv.file(write(text.toString())).withLabel(1).load();
    assertEquals(40, size(data));
    assertFalse(data.schema().header());
    CsvData named = Csv.file(write("class,cap,gill\n" + text)).withLabel(1).load();
    assertEquals(40, size(named));
    assertEquals(CsvDoubt.Kind.FIRST_LINE, named.doubts().get(0).kind());
    assertEquals("if it is a sample, say --no-header", named.doubts().get(0).advice());
  }

  @Test
  void aLabelGivenByItsPlaceEatsNoSample() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      text.append(1 + i % 3).append(",").append(i * 0.37 % 5).append(",").append(i * 0.73 % 7);
      text.append('\n');
    }
    Path wine = write(text.toString());
    for (Csv csv :
        List.of(
            Csv.file(wine).withLabel("1"),
            Csv.file(wine).withLabel(1),
            Csv.file(wine).withLabel(-3),
            Csv.file(wine).withLabel("column 1"))) {
      CsvData data = csv.load();
      assertEquals(30, size(data));
      assertEquals("column 1", data.schema().target().name());
      assertEquals(List.of("1", "2", "3"), data.schema().target().classes());
      assertEquals(List.of("column 2", "column 3"), names(data));
    }
    refused(
        ": has no column \"4\" to take as label; it has 3 columns", Csv.file(wine).withLabel("4"));
    refused(": has no column number 0", Csv.file(wine).withLabel(0));
    // A class in the first line is not the name of a column.
    refused(
        ": has no column \"a\" to take as label",
        Csv.file(write("1,a\n2,b\n3,a\n4,b\n")).withLabel("a"));
  }

  @Test
  void aNumberThatIsANameIsTheName() throws IOException {
    Path file = write("2,1,y\n".replace("2,1", "\"2\",\"1\"") + clouds("", ",", "a", "b"));
    CsvData data = Csv.file(file).withHeader(true).ignoring("1").load();
    assertEquals(List.of("2"), names(data));
    assertEquals(
        "\"1\" was taken as the name of column 2, not as a place",
        only(CsvDoubt.Kind.NAME_OR_PLACE, data).evidence());
  }

  @ParameterizedTest
  @ValueSource(strings = {";", "\t", "|", " ", "   "})
  void otherSeparatorsAreNamedInTheComplaintAndTaken(String between) throws IOException {
    Path file =
        write(clouds("\"x\"" + between + "\"y\"" + between + "\"class\"\n", between, "a", "b"));
    char separator = between.charAt(0);
    String named = separator == '\t' ? "tab" : separator == ' ' ? "space" : "'" + separator + "'";
    refused(": say so (--separator " + named + ")", Csv.file(file));
    CsvData data = Csv.file(file).withSeparator(separator).load();
    assertEquals(List.of("x", "y"), names(data));
    assertEquals(60, size(data));
    assertTrue(data.described().startsWith("60 samples of 2 columns, header, separator "));
    assertEquals(separator, data.schema().separator());
    // The reverse: the file has commas and the separator is another.
    refused(
        ": say so (--separator ',')",
        Csv.file(write(clouds("x,y,class\n", ",", "a", "b"))).withSeparator(separator));
  }

  @Test
  void spacesAtTheEndsOfALineAreNoFields() throws IOException {
    Path file = write(" 1.0   2.0\tA \n\t2.0 3.0  B\t\n   \n 1.5 2.5 A\n 2.5 3.5 B\n");
    CsvData data = Csv.file(file).withSeparator(' ').load();
    assertEquals(4, size(data));
    assertEquals(2, data.schema().columns().size());
    assertEquals(List.of("A", "B"), data.schema().target().classes());
    CsvData commas = Csv.file(write("1 , 2, \"A\" \n2 ,3 , B\n 3,4,A\n4,5,B\n")).load();
    assertEquals(List.of("A", "B"), commas.schema().target().classes());
  }

  @Test
  void columnsThatCountTheRowsAreDoubtedAndLeftOut() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      text.append(i + 7).append(',').append(i * i).append(',').append(i * 7 % 11 * 0.5);
      text.append(i < 20 ? ",a\n" : ",b\n");
    }
    Path file = write(text.toString());
    CsvData data = Csv.file(file).load();
    List<CsvDoubt> doubts = data.doubts();
    assertEquals(2, doubts.size());
    assertEquals("column 1 is the row's number", doubts.get(0).evidence());
    assertEquals("leave it out with --ignore 1", doubts.get(0).advice());
    assertEquals("column 2 is a whole number that rises from row to row", doubts.get(1).evidence());
    CsvData without = Csv.file(file).ignoring("1", "-3").load();
    assertEquals(List.of("column 3"), names(without));
    assertEquals(1, without.parts().train().sampleShape().dim(0));
    assertEquals(List.of(), without.doubts());
    refused(": no column is left", Csv.file(file).ignoring("1", "2", "3"));
    refused(": has no column \"5\" to leave out", Csv.file(file).ignoring("5"));
    refused("is the label and cannot be left out too", Csv.file(file).ignoring("4"));
  }

  @Test
  void identifiersInNoOrderAreDoubtedByTheirName() throws IOException {
    StringBuilder text = new StringBuilder("id,x,class\n");
    for (int i = 0; i < 30; i++) {
      text.append(1000 + i * 7 % 31)
          .append(',')
          .append(i * 7 % 11 * 0.5)
          .append(i % 2 == 0 ? ",a\n" : ",b\n");
    }
    CsvDoubt doubt = only(CsvDoubt.Kind.ROW_NUMBER, Csv.file(write(text.toString())).load());
    assertEquals(
        "column 1 (\"id\") is a whole number that is another one in each row", doubt.evidence());
  }

  @Test
  void theLabelOnceMoreAmongTheFeaturesIsDoubted() throws IOException {
    StringBuilder text = new StringBuilder("x,code,class\n");
    for (int i = 0; i < 30; i++) {
      text.append(i * 7 % 11 * 0.5).append(i % 3 == 0 ? ",5,a\n" : ",9,b\n");
    }
    Path file = write(text.toString());
    CsvDoubt doubt = only(CsvDoubt.Kind.LABEL_AMONG_FEATURES, Csv.file(file).load());
    assertEquals("column 2 (\"code\") has one value for each class of \"class\"", doubt.evidence());
    assertEquals(List.of(), Csv.file(file).ignoring("code").load().doubts());
  }

  @Test
  void namesThatPredictionCouldNotTellApartAreRefused() throws IOException {
    Path file = write("a,a,b,class\n1,2,3,x\n2,3,4,y\n3,4,5,x\n4,6,6,y\n");
    refused(": has more than one column \"a\"", Csv.file(file));
    refused(": has more than one column \"a\"", Csv.file(file).ignoring("2"));
    assertEquals(List.of("b"), names(Csv.file(file).ignoring("1", "2").load()));
    refused(
        ": has more than one column \"class\"",
        Csv.file(write("class,b,class\n1,3,x\n2,4,y\n3,5,x\n4,6,y\n")));
  }

  @Test
  void compressedFilesAndARemarkInTheFirstLineAreRead() throws IOException {
    Path file = folder.resolve("data.csv.gz");
    gzip(file, "|1x3 Cross validator\n" + clouds("", ", ", "a", "b"));
    assertEquals(60, size(Csv.file(file).load()));
    byte[] half = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(half, half.length / 2));
    refused(": is truncated, the gzip data end too early", Csv.file(file));
  }

  @Test
  void whatHasNoEndIsRefusedByName() throws IOException {
    refused("/dev/zero: is a device or a pipe", Csv.file(Path.of("/dev/zero")));
    Path zeros = folder.resolve("zeros.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(zeros))) {
      byte[] block = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        out.write(block);
      }
    }
    refused(zeros + ", line 1: a field is longer than 65536 characters", Csv.file(zeros));
    Path field = write("1,2,a\n1,\"" + "x".repeat(200_000) + "\",b\n");
    refused(", line 2: a field is longer than 65536 characters", Csv.file(field));
  }

  @Test
  void whatComesFromTheFileIsShortenedAndCannotSteerATerminal() throws IOException {
    String red = "\u001b[31mred\u202e";
    String message = refused(", line 2", Csv.file(write("1,2,a\n" + red + ",2,b\n")));
    assertTrue(message.contains("\\u001b[31mred\\u202e"), message);
    message =
        refused(", line 2", Csv.file(write("1,2,a\n" + "y".repeat(50_000) + ",2,b\n3,2,b\n")));
    assertTrue(message.length() < 400, message.length() + " characters");
    assertTrue(message.contains("yyy... (50000 characters)"), message);
    StringBuilder names = new StringBuilder("x0");
    for (int i = 1; i < 5000; i++) {
      names.append(",x").append(i);
    }
    message = refused(", ...] (5000)", Csv.file(write(names + "\n")));
    assertTrue(message.length() < 400, message.length() + " characters");
  }

  @Test
  void separatorsThatStandInNumbersOrWordsAreRefused() {
    for (char c : new char[] {'a', '1', '.', '-', '"', '\n', '\0'}) {
      assertThrows(
          IllegalArgumentException.class, () -> Csv.file(folder).withSeparator(c), "" + (int) c);
    }
  }

  private static CsvDoubt only(CsvDoubt.Kind kind, CsvData data) {
    assertEquals(1, data.doubts().size(), "" + data.doubts());
    assertEquals(kind, data.doubts().get(0).kind());
    return data.doubts().get(0);
  }

  private static List<String> names(CsvData data) {
    return data.schema().columns().stream().map(CsvColumn::name).toList();
  }

  private static int size(CsvData data) {
    return data.parts().train().size() + data.parts().heldOut().size();
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("data.csv"), text);
  }

  private static void gzip(Path file, String text) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String refused(String part, Csv csv) {
    String message = String.valueOf(assertThrows(DataException.class, csv::load).getMessage());
    assertTrue(message.contains(part), message);
    return message;
  }
}
