package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Columns of numbers, of texts and with missing values become inputs, labels become targets. */
class CsvColumnsTest {
  private final Path folder;

  CsvColumnsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  /** A pixel that is 1 in four of 150 rows and 255 in one; the seed gives the order of the rows. */
  private CsvData rarePixel(long seed) throws IOException {
    Random random = new Random(3);
    StringBuilder text = new StringBuilder("p0,p1,class\n");
    for (int i = 0; i < 150; i++) {
      int rare = i == 149 ? 255 : i % 40 == 5 ? 1 : 0;
      text.append(random.nextInt(256)).append(',').append(rare).append(',').append(i % 2);
      text.append('\n');
    }
    return Csv.file(write(text.toString())).withSeed(seed).load();
  }

  @Test
  void columnsThatAreAlmostConstantGiveBoundedInputs() throws IOException {
    boolean heldOut = false;
    boolean trained = false;
    for (long seed = 0; seed < 20; seed++) {
      CsvData data = rarePixel(seed);
      CsvColumn rare = data.schema().columns().get(1);
      for (Dataset part : List.of(data.parts().train(), data.parts().heldOut())) {
        float[] x = part.toFloats(0, part.size());
        for (int i = 0; i < x.length; i++) {
          assertTrue(Math.abs(x[i]) <= 10, x[i] + " with seed " + seed);
        }
      }
      if (rare.mean() < 0.5) { // 255 is held out: it is limited to 10 deviations, with a warning
        heldOut = true;
        assertTrue(rare.std() >= 0.1, "a tenth of the range from 0 to 1, not " + rare.std());
        assertEquals(CsvDoubt.Kind.FAR_VALUES, data.doubts().get(0).kind());
        assertTrue(data.doubts().get(0).evidence().contains("such as 255"), "" + data.doubts());
      } else { // one of 120: the deviation is 23, raised to a tenth of the range
        trained = true;
        assertEquals(25.5, rare.std());
        assertEquals(List.of(), data.doubts());
      }
    }
    assertTrue(heldOut && trained);
  }

  @Test
  void ordinaryColumnsAreStandardisedByTheirDeviation() {
    double[] numbers = {1, 2, 3, 4, 6};
    CsvColumn column = CsvColumn.ofNumbers("x", numbers, false);
    assertEquals(3.2, column.mean(), 1e-12);
    assertEquals(Math.sqrt((4.84 + 1.44 + 0.04 + 0.64 + 7.84) / 5), column.std(), 1e-12);
    assertEquals(3.2, column.fill(), 1e-12);
    assertEquals(3, CsvColumn.ofNumbers("x", numbers, true).fill());
    assertEquals(1, CsvColumn.ofNumbers("x", new double[] {0.1, 0.1, 0.1}, false).std());
    assertEquals(0.1, CsvColumn.ofNumbers("x", new double[] {0.1, 0.1, 0.1}, false).mean());
  }

  @Test
  void textsBecomeOneInputForEachCategory() throws IOException {
    StringBuilder text = new StringBuilder("x,colour,class\n");
    String[] colours = {"red", "blue", "1", "green"};
    for (int i = 0; i < 40; i++) {
      text.append(i).append(',').append(colours[i % 4]).append(i % 2 == 0 ? ",a\n" : ",b\n");
    }
    CsvData data = Csv.file(write(text.toString())).load();
    CsvColumn colour = data.schema().columns().get(1);
    assertEquals(List.of("1", "blue", "green", "red"), colour.categories());
    assertEquals(Shape.of(5), data.parts().train().sampleShape());
    assertEquals(5, data.schema().inputs());
    CsvColumn x = data.schema().columns().get(0);
    float[] inputs = data.parts().train().toFloats(0, 32);
    for (int i = 0; i < 32; i++) {
      int row = Math.toIntExact(Math.round(inputs[5 * i] * x.std() + x.mean()));
      float[] expected = new float[4];
      expected[colour.categories().indexOf(colours[row % 4])] = 1;
      for (int c = 0; c < 4; c++) {
        assertEquals(expected[c], inputs[5 * i + 1 + c]);
      }
    }
    assertTrue(data.described().contains("2 columns (1 of texts, 4 categories)"), data.described());

    Path further = write("colour,x\nblue,0\nmauve,1\n");
    CsvSamples samples = CsvSamples.load(further, data.schema());
    float[] two = samples.data().toFloats(0, 2);
    assertArrayEquals(new float[] {0, 1, 0, 0}, Arrays.copyOfRange(two, 1, 5));
    assertArrayEquals(new float[4], Arrays.copyOfRange(two, 6, 10));
    assertEquals(CsvDoubt.Kind.UNKNOWN_CATEGORY, samples.doubts().get(0).kind());
    assertTrue(
        samples.doubts().get(0).evidence().contains("in 1 of 2 rows"), "" + samples.doubts());
    assertTrue(samples.doubts().get(0).evidence().contains("\"mauve\""), "" + samples.doubts());
  }

  @Test
  void textsThatAreNoCategoriesAreRefused() throws IOException {
    StringBuilder names = new StringBuilder("name,x,class\n");
    StringBuilder many = new StringBuilder("name,x,class\n");
    StringBuilder commas = new StringBuilder("v;x;class\n");
    for (int i = 0; i < 2500; i++) {
      String rest = "," + i % 7 + "," + (i % 2 == 0 ? "a\n" : "b\n");
      many.append("name ").append(i % 1200).append(rest);
      if (i < 30) {
        names.append("name ").append(i % 20).append(rest);
      }
      commas.append("0,").append(i % 9).append(rest.replace(',', ';'));
    }
    refused("line 1002, column \"name\": has more than 1000 different texts", many.toString());
    refused(
        "column \"name\": has 20 different texts in 30 rows, such as \"name 0\": that is no"
            + " category; leave the column out (--ignore)",
        names.toString());
    assertEquals(
        24, Csv.file(write(names.toString())).ignoring("name").load().parts().train().size());
    String message =
        String.valueOf(
            assertThrows(
                    DataException.class,
                    () -> Csv.file(write(commas.toString())).withSeparator(';').load())
                .getMessage());
    assertTrue(message.contains("numbers with a decimal comma, such as \"0,0\""), message);
  }

  /** The numbers 0 to 39 with every tenth missing, and texts with two missing. */
  private String gaps() {
    StringBuilder text = new StringBuilder("x,colour,class\n");
    String[] gaps = {"?", "NA", "", "nan"};
    for (int i = 0; i < 40; i++) {
      text.append(i % 10 == 3 ? gaps[i / 10] : "" + i).append(", ");
      text.append(i % 20 == 7 ? "?" : i % 3 == 0 ? "red" : "blue")
          .append(i % 2 == 0 ? ",a\n" : ",b\n");
    }
    return text.toString();
  }

  @Test
  void missingValuesAreRefusedWithTheirNumber() throws IOException {
    refused(
        ": has missing values: [4 in column \"x\" (the first in line 5), 2 in column \"colour\""
            + " (the first in line 9)]; leave these rows or columns out, or have them filled in"
            + " (--missing mean)",
        gaps());
  }

  @Test
  void missingValuesAreFilledInAsTheSchemaSays() throws IOException {
    Path file = write(gaps());
    CsvData data = Csv.file(file).withMissing(Csv.Missing.MEAN).load();
    assertEquals(6, data.filled());
    assertTrue(data.described().endsWith("6 missing values filled in"), data.described());
    CsvColumn x = data.schema().columns().get(0);
    assertEquals(x.mean(), x.fill());
    assertEquals(List.of("", "blue", "red"), data.schema().columns().get(1).categories());
    CsvSamples samples = CsvSamples.load(write("x,colour\nNA,?\n5,red\n"), data.schema());
    float[] two = samples.data().toFloats(0, 2);
    assertArrayEquals(new float[] {0, 1, 0, 0, (float) ((5 - x.mean()) / x.std()), 0, 0, 1}, two);
    assertEquals(List.of(), samples.doubts());

    CsvData median = Csv.file(write(gaps())).withMissing(Csv.Missing.MEDIAN).load();
    CsvColumn middle = median.schema().columns().get(0);
    assertEquals(0, middle.fill() * 2 % 1);
    float[] filled =
        CsvSamples.load(write("x,colour\nNA,?\n"), median.schema()).data().toFloats(0, 1);
    assertEquals((float) ((middle.fill() - middle.mean()) / middle.std()), filled[0]);

    CsvData strict = Csv.file(write("x,class\n1,a\n2,b\n3,a\n4,b\n")).load();
    Path further = write("x\n1\n?\n");
    String message =
        String.valueOf(
            assertThrows(DataException.class, () -> CsvSamples.load(further, strict.schema()))
                .getMessage());
    assertTrue(message.contains("1 in column \"x\" (the first in line 3)"), message);
    assertTrue(message.contains("train with --missing mean"), message);
  }

  @Test
  void numbersThatAreToBePredictedAreStandardised() throws IOException {
    StringBuilder text = new StringBuilder("x,price\n");
    for (int i = 0; i < 50; i++) {
      text.append(i * 7 % 50 * 0.5).append(',').append(100 + i * 7 % 50).append('\n');
    }
    Path file = write(text.toString());
    refused(
        "has 50 different labels in 50 rows, expected classes of two samples or more; is this the"
            + " label? For numbers to be predicted say so (--regression)",
        text.toString());
    CsvData data = Csv.file(write(text.toString())).asRegression().load();
    CsvTarget price = data.schema().target();
    assertTrue(price.ofNumbers());
    assertEquals(1, price.outputs());
    Dataset train = data.parts().train();
    assertEquals(DType.F32, ArrayDataset.copyOf(train).targets().type());
    assertEquals(Shape.of(1), ArrayDataset.copyOf(train).targets().sampleShape());
    CsvColumn x = data.schema().columns().get(0);
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < train.size(); i++) {
      float y = ArrayDataset.copyOf(train).targets().buffer().getFloat(4 * i);
      double raw =
          ArrayDataset.copyOf(train).features().buffer().getFloat(4 * i) * x.std() + x.mean();
      assertEquals(100 + 2 * raw, price.value(y), 1e-4);
      sum += y;
      squares += y * y;
    }
    assertEquals(0, sum / train.size(), 1e-6);
    assertEquals(1, squares / train.size(), 1e-6);
    CsvSamples samples = CsvSamples.load(write("x,price\n3,7.5\n4,\n"), data.schema());
    Values values = (Values) samples.data().targets();
    assertEquals(7.5f, values.buffer().getFloat(0));
    assertTrue(Float.isNaN(values.buffer().getFloat(4)));

    String words = text + "3,cheap\n";
    String message =
        String.valueOf(
            assertThrows(DataException.class, () -> Csv.file(write(words)).asRegression().load())
                .getMessage());
    assertTrue(
        message.contains("line 52, column \"price\": \"cheap\", expected a finite"), message);
    assertThrows(
        DataException.class, () -> Csv.file(write("x,y\n1,2\n2,2\n3,2\n")).asRegression().load());
    assertTrue(Files.exists(file));
  }

  @Test
  void manyWholeNumbersAsClassesAreDoubted() throws IOException {
    StringBuilder text = new StringBuilder("x,age\n");
    for (int i = 0; i < 600; i++) {
      text.append(i * 7 % 50 * 0.5).append(',').append(i * 7 % 150).append('\n');
    }
    CsvData data = Csv.file(write(text.toString())).load();
    assertEquals(150, data.schema().target().classes().size());
    assertEquals(CsvDoubt.Kind.MANY_CLASSES, data.doubts().get(0).kind());
    assertTrue(data.doubts().get(0).advice().contains("--regression"));
    assertEquals(List.of(), Csv.file(write(text.toString())).asRegression().load().doubts());
  }

  @Test
  void aLabelsColumnThatIsEmptyIsAsIfItWereNotThere() throws IOException {
    CsvSchema schema = Csv.file(write("x,class\n1,a\n2,b\n3,a\n4,b\n5,a\n")).load().schema();
    assertTrue(
        CsvSamples.load(write("x,class\n1,\n2,\n"), schema).data().form().targets().isEmpty());
    assertTrue(CsvSamples.load(write("x\n1\n2\n"), schema).data().form().targets().isEmpty());
    Labels some = (Labels) CsvSamples.load(write("x,class\n1,b\n2,?\n"), schema).data().targets();
    assertEquals(1, some.get(0));
    assertEquals(-1, some.get(1));
    assertEquals(-1, some.ignoreIndex().orElseThrow());
  }

  @Test
  void aPointBehindALabelIsNoOtherClass() throws IOException {
    CsvData data =
        Csv.file(write("x,class\n1,<=50K\n2,>50K\n3,<=50K.\n4,>50K.\n5,etc.\n6,etc.\n")).load();
    assertEquals(List.of("<=50K", ">50K", "etc."), data.schema().target().classes());
    Labels labels =
        (Labels)
            CsvSamples.load(write("x,class\n1,<=50K.\n2,>50K\n3,etc\n"), data.schema())
                .data()
                .targets();
    assertEquals(0, labels.get(0));
    assertEquals(1, labels.get(1));
    assertEquals(2, labels.get(2));
  }

  @Test
  void aFurtherFileMayHaveAHeaderWhereTheFirstHadNone() throws IOException {
    CsvSchema schema = Csv.file(write("1,2,a\n2,3,b\n3,1,a\n4,7,b\n")).load().schema();
    CsvSamples samples = CsvSamples.load(write("x;y;z\n9;5;b\n"), schema.withForm(true, ';'));
    assertEquals(1, samples.data().size());
    assertEquals(1, ((Labels) samples.data().targets()).get(0));
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("data.csv"), text);
  }

  private void refused(String part, String text) throws IOException {
    Csv csv = Csv.file(write(text));
    String message = String.valueOf(assertThrows(DataException.class, csv::load).getMessage());
    assertTrue(message.startsWith(folder.toString()) && message.contains(part), message);
  }
}
