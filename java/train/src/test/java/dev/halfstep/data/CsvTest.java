package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvTest {
  /** Ten rows whose only feature is the row's number, 0 to 9; class "odd" or "even". */
  private static final String NUMBERS =
      "number,parity\n0,even\n1,odd\n2,even\n3,odd\n4,even\n5,odd\n6,even\n7,odd\n8,even\n9,odd\n";

  private final Path folder;

  CsvTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void lastColumnIsTheLabelAndEveryRowIsUsedOnce() throws IOException {
    CsvData data = Csv.file(write(NUMBERS)).load();
    assertEquals(List.of("number"), names(data));
    assertEquals("parity", data.schema().target().name());
    Split parts = data.parts();
    assertEquals(8, parts.train().size());
    assertEquals(2, parts.heldOut().size());
    assertEquals("data.csv", parts.train().name());
    assertEquals(DType.F32, ArrayDataset.copyOf(parts.train()).features().type());
    assertEquals(Shape.of(1), parts.train().sampleShape());
    Labels labels = (Labels) ArrayDataset.copyOf(parts.train()).targets();
    assertEquals(List.of("even", "odd"), labels.names());
    Set<Integer> seen = new HashSet<>();
    for (Dataset part : List.of(parts.train(), parts.heldOut())) {
      for (int i = 0; i < part.size(); i++) {
        int number = Math.toIntExact(Math.round(raw(data, part, i, 0)));
        assertEquals(number % 2, part.label(i));
        assertTrue(seen.add(number));
      }
    }
    assertEquals(10, seen.size());
  }

  @Test
  void columnsAreStandardisedWithTheRowsThatAreTrainedOn() throws IOException {
    CsvData data = Csv.file(write(NUMBERS)).withValidationFraction(0.25).load();
    Dataset trained = data.parts().train().splitLast(0.25).train();
    assertEquals(6, trained.size());
    double sum = 0;
    double squares = 0;
    double rawSum = 0;
    for (int i = 0; i < 6; i++) {
      float x = ArrayDataset.copyOf(trained).features().buffer().getFloat(4 * i);
      sum += x;
      squares += x * x;
      rawSum += raw(data, trained, i, 0);
    }
    assertEquals(0, sum / 6, 1e-6);
    assertEquals(1, squares / 6, 1e-6);
    assertEquals(rawSum / 6, data.schema().columns().get(0).mean(), 1e-6);
  }

  @Test
  void eachPartHasItsShareOfEachClass() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      text.append(i * 7 % 100 * 0.5).append(i < 90 ? ",often\n" : ",rare\n");
    }
    for (long seed = 0; seed < 5; seed++) {
      CsvData data =
          Csv.file(write(text.toString())).withValidationFraction(0.25).withSeed(seed).load();
      Split train = data.parts().train().splitLast(0.25);
      assertEquals(List.of(54, 6), classes(train.train()));
      assertEquals(List.of(18, 2), classes(train.heldOut()));
      assertEquals(List.of(18, 2), classes(data.parts().heldOut()));
    }
  }

  private static List<Integer> classes(Dataset data) {
    int rare = 0;
    for (int i = 0; i < data.size(); i++) {
      rare += data.label(i);
    }
    return List.of(data.size() - rare, rare);
  }

  @Test
  void theSeedAloneDecidesTheOrder() throws IOException {
    Csv csv = Csv.file(write(NUMBERS));
    ByteBuffer first =
        ArrayDataset.copyOf(csv.withSeed(1).load().parts().train()).features().buffer();
    assertEquals(
        first, ArrayDataset.copyOf(csv.withSeed(1).load().parts().train()).features().buffer());
    assertFalse(
        first.equals(
            ArrayDataset.copyOf(csv.withSeed(2).load().parts().train()).features().buffer()));
  }

  @Test
  void theLabelMayBeAnyColumnByName() throws IOException {
    CsvData data =
        Csv.file(write("a,class,b\n1,x,2\n3,y,4\n5,x,6\n7,y,8\n")).withLabel("class").load();
    assertEquals(List.of("a", "b"), names(data));
    Dataset train = data.parts().train();
    for (int i = 0; i < train.size(); i++) {
      int a = Math.toIntExact(Math.round(raw(data, train, i, 0)));
      assertEquals(a + 1, raw(data, train, i, 1), 1e-5);
      assertEquals(a % 4 == 1 ? 0 : 1, train.label(i));
    }
  }

  @Test
  void constantColumnsAreOnlyCentredAndLargeNumbersKeepTheirDigits() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 10; i++) {
      text.append("0.1,").append(1_700_000_000L + i).append(',').append(i % 2).append('\n');
    }
    CsvData data = Csv.file(write(text.toString())).load();
    assertEquals(List.of("column 1", "column 2"), names(data));
    assertEquals(1, data.schema().columns().get(0).std());
    Dataset train = data.parts().train();
    for (int i = 0; i < train.size(); i++) {
      assertEquals(0, ArrayDataset.copyOf(train).features().buffer().getFloat(8 * i));
      double time = raw(data, train, i, 1);
      assertEquals(Math.rint(time), time, 1e-5);
      assertEquals(train.label(i), Math.round(time) % 2);
    }
  }

  @Test
  void wholeNumbersBecomeClassesInNumericOrder() throws IOException {
    CsvData data = Csv.file(write("1,10\n2,9\n3,-1\n4,10.0\n5,+9\n6,-1\n")).load();
    Labels labels = (Labels) ArrayDataset.copyOf(data.parts().train()).targets();
    assertEquals(List.of("-1", "9", "10"), labels.names());
    int[] expected = {2, 1, 0, 2, 1, 0};
    for (int i = 0; i < labels.size(); i++) {
      int row = Math.toIntExact(Math.round(raw(data, data.parts().train(), i, 0))) - 1;
      assertEquals(expected[row], labels.get(i));
    }
  }

  @Test
  void quotesLineEndsBlankLinesAndByteOrderMarkAreRead() throws IOException {
    Csv csv =
        Csv.file(
            write(
                "\uFEFF\"width, \"\"cm\"\"\",name\r\n"
                    + "\"1.5\",\"a\n"
                    + "b\"\r"
                    + "2, c \n\r\n"
                    + "1.5,\"a\r\n"
                    + "b\"\n"
                    + "-2e0,c"));
    CsvData data = csv.load();
    assertEquals(List.of("width, \"cm\""), names(data));
    assertEquals(
        List.of("a\nb", "c"),
        ((Labels) ArrayDataset.copyOf(data.parts().train()).targets()).names());
    assertEquals(4, data.parts().train().size() + data.parts().heldOut().size());
  }

  @Test
  void anyHeaderIsSkippedAndNoneIsNeeded() throws IOException {
    for (String header : List.of("", "x,y\n", "\"x\",\"y\"\n", ",y\n")) {
      Split parts = Csv.file(write(header + "1,0\n2,1\n3,0\n4,1\n5,0\n")).load().parts();
      assertEquals(5, parts.train().size() + parts.heldOut().size(), header);
    }
  }

  @Test
  void cellsThatAreNoFiniteNumberAreNamedByLineAndColumn() throws IOException {
    for (String cell :
        List.of("red", "inf", "-Infinity", "1e39", "1e400", "0x10", "1d", "1,5", "--1")) {
      String quoted = cell.contains(",") ? "\"" + cell + "\"" : cell;
      refused(
          ", line 3, column \"size\": \"" + cell + "\", expected a finite number",
          "weight,size,class\n1,2,a\n1," + quoted + ",b\n");
    }
    refused(", line 2, column \"column 1\": \"red\"", "1,2,a\nred,2,b\n");
  }

  @Test
  void linesAreCountedAcrossQuotedLineEnds() throws IOException {
    refused(", line 4, column \"x\": \"red\"", "x,y\n1,\"a\nb\"\nred,c\n");
  }

  @Test
  void raggedRowsAreNamedByLine() throws IOException {
    refused(", line 3: has 2 fields, expected 3 as in the first line", "a,b,c\n1,2,x\n1,x\n");
    refused(", line 2: has 4 fields, expected 3 as in the first line", "1,2,x\n1,2,3,x\n");
  }

  @Test
  void filesWithoutRowsAreRefused() throws IOException {
    refused(": is empty", "");
    refused(": is empty", "\n\r\n\n");
    refused(": holds no rows but its header [a, b]", "a,b\n");
    refused(": has too few rows", "1,2,a\n");
    refused(": has the single column \"a;b\"", "a;b\n1;2\n");
  }

  @Test
  void damagedQuotesAndOtherEncodingsAreRefused() throws IOException {
    refused(", line 2: a quote is opened and never closed", "a,b\n1,\"x\n2,y\n");
    refused(", line 2: text after a closing quote", "a,b\n1,\"x\"y\n");
    refused(", line 2: a quote inside a field", "a,b\n1,x\"y\"\n");
    Path latin = folder.resolve("latin.csv");
    Files.write(latin, "1,gr\u00fcn\n2,rot\n".getBytes(StandardCharsets.ISO_8859_1));
    refused(": is not UTF-8 text", Csv.file(latin));
  }

  @Test
  void labelColumnsThatAreNotThereAreAnsweredWithTheNames() throws IOException {
    refused(
        ": has no column \"species\" to take as label; its first line names [number, parity]",
        Csv.file(write(NUMBERS)).withLabel("species"));
    refused(": has more than one column \"y\"", Csv.file(write("y,x,y\n1,2,3\n")).withLabel("y"));
  }

  @Test
  void labelsThatAreNoClassesAreRefused() throws IOException {
    refused(", column \"y\": all 3 labels are \"a\"", "x,y\n1,a\n2,a\n3,a\n");
    refused(", line 3, column \"y\": is empty or missing", "x,y\n1,a\n2,\n3,b\n");
    refused("label; so it is in 2 rows", "x,y\n1,a\n2,?\n3,b\n4,NA\n");
    refused(", line 3, column \"y\": the label is 0.5, expected a class", "x,y\n1,1\n2,0.5\n3,1\n");
    refused(", column \"y\": has 3 different labels in 4 rows", "x,y\n1,a\n2,b\n3,c\n4,a\n");
  }

  @Test
  void missingFilesAndFoldersAreRefused() {
    refused(": there is no such file", Csv.file(folder.resolve("absent.csv")));
    refused(": is a folder", Csv.file(folder));
  }

  @Test
  void fractionsMustBeFractions() throws IOException {
    Csv csv = Csv.file(write(NUMBERS));
    for (double fraction : new double[] {-0.1, 1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> csv.withTestFraction(fraction).load());
      assertThrows(
          IllegalArgumentException.class, () -> csv.withValidationFraction(fraction).load());
    }
  }

  private static List<String> names(CsvData data) {
    return data.schema().columns().stream().map(CsvColumn::name).toList();
  }

  /** A feature before standardisation, as in the file. */
  private static double raw(CsvData data, Dataset part, int sample, int column) {
    CsvColumn how = data.schema().columns().get(column);
    int index = sample * data.schema().columns().size() + column;
    return ArrayDataset.copyOf(part).features().buffer().getFloat(4 * index) * how.std()
        + how.mean();
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("data.csv"), text);
  }

  private void refused(String part, String text) throws IOException {
    refused(part, Csv.file(write(text)));
  }

  private void refused(String part, Csv csv) {
    String message = String.valueOf(assertThrows(DataException.class, csv::load).getMessage());
    assertTrue(message.startsWith(folder.toString()) && message.contains(part), message);
  }
}
