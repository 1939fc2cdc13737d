package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad use is one or two lines, status 2, no trace, and leaves nothing behind. */
final class BadUseTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          --batch-size 0                     | --batch-size must be at least 1, not 0
          --batch-size -3                    | --batch-size must be at least 1, not -3
          --batch-size many                  | 'many' is not a whole number
          --batch-size 1.5                   | '1.5' is not a whole number
          --batch-size 99999999999           | '99999999999' is not a whole number
          --batch-size 9001                  | larger than the 9000 training samples
          --epochs 0                         | --epochs must be at least 1, not 0
          --lr -0.1                          | --lr must be a finite number above 0, not -0.1
          --lr nan                           | 'nan' is not a number
          --lr NaN                           | --lr must be a finite number above 0, not NaN
          --lr 1e400                         | --lr must be a finite number above 0, not Infinity
          --lr                               | --lr
          --optimizer adamww                 | Did you mean 'adamw'?
          --optimizer rmsprop                | Possible are sgd, adam, adamw, lars and lamb
          --optimizer sgd --momentum 1       | --momentum must be at least 0 and below 1, not 1.0
          --momentum 0.9                     | --momentum is for sgd and lars, but --optimizer is adamw
          --weight-decay -1                  | --weight-decay must be a finite number of at least 0
          --group 1.*                        | --group must be PATTERN=RATE or PATTERN=RATE,DECAY
          --group 1.*=x                      | --group 1.*=x: the factors are not numbers
          --group 1.*=-1                     | the factor of the learning rate of the parameter group 1.* must be
          --group 1.*=1,NaN                  | the factor of the weight decay of the parameter group 1.* must be
          --group 7.*=0.1                    | no parameter that is trained matches the group 7.*: there are [1.weight
          --group *=1 --group 1.*=0.1        | the parameters of the group 1.* are all in groups before it
          --model mpl:100                    | Did you mean 'mlp'?
          --model resnet                     | Possible is mlp:UNITS
          --model mlp                        | '' is not a number of units
          --model mlp:10,,5                  | '' is not a number of units
          --model mlp:0                      | '0' is not a number of units
          --model mlp:9999999,9999999        | parameters; possible are 2,000,000,000
          --precision fp64                   | Possible are fp32, tf32, bf16 and fp16
          --precision bf61                   | Did you mean 'bf16'?
          --data digitz                      | Did you mean 'digits'?
          --data imagenet:x                  | Possible are digits, random, mnist:DIR, idx:SAMPLES,LABELS and csv:FILE
          --data mnist                       | Give it as mnist:DIR
          --data idx:a,b,c                   | names 3 files
          --data idx:a,nowhere               | nowhere: there is no such file
          --data digits:5                    | takes nothing after a colon
          --data mnist:nowhere               | nowhere: there is no such folder
          --data csv:nowhere.csv             | nowhere.csv
          --label x                          | --label is for CSV files
          --val-fraction 1                   | --val-fraction must be at least 0 and below 1
          --val-fraction NaN                 | --val-fraction must be at least 0 and below 1
          --threads 0                        | --threads must be 1 to 256, not 0
          --threads -1                       | --threads must be 1 to 256, not -1
          --device gpu                       | unknown --device 'gpu'
          --device cuda:99                   | --device cuda:99:
          --data-memory 0                    | --data-memory must be at least 1, not 0
          --micro-batch 0                    | --micro-batch must be at least 1, not 0
          --clip 0                           | --clip must be a finite number above 0, not 0.0
          --warmup -1                        | --warmup must be at least 0, not -1
          --lr-scaling cubic                 | Possible are none, linear and sqrt
          --schedule cosin                   | Did you mean 'cosine'?
          --schedule step                    | Give it as step:EPOCHS,FACTOR
          --schedule step:1,2                | a step schedule's factor must be in (0, 1], not 2.0
          --schedule step:a,b                | 'a,b' are not numbers
          --schedule plateau:2               | a plateau needs a factor in (0, 1)
          --batch-schedule warmup:0,1        | the first batch size must be at least 1, not 0
          --batch-schedule grow              | Possible are constant, double-and-halve:EPOCHS,...
          --batch-schedule responsive:8      | Give it as responsive:LEAST,MOST
          --batch-schedule responsive:64,8   | a responsive batch needs 1 <= least <= most
          --trace 1.weight                   | names no weight
          --trace 9.weight[0]                | there is no parameter 9.weight
          --trace 1.bias[256]                | it has 256
          --budget 1000                      | Possible are samples:N, seconds:S, updates:N
          --budget updates:0                 | a budget needs at least 1 epoch, 1 update
          --budget updates:1.5               | 1.5 is not a whole number
          --budget seconds:5 --schedule cosine | the budget is a time alone: give it epochs
          --budget seconds:5 --schedule one-cycle | the budget is a time alone: give it epochs
          --budget seconds:5 --batch-schedule one-cycle | needs the run's length
          --early-stopping val_los           | there is no metric val_los: there are train_loss
          --early-stopping val_loss --val-fraction 0 | val_loss needs validation data
          --patience 0                       | --patience must be at least 1, not 0
          --min-delta 0.1                    | --min-delta is for --early-stopping or --patience
          --checkpoint-every 0               | --checkpoint-every must be at least 1, not 0
          --epoch 3                          | --epochs
          --frobnicate                       | unknown option --frobnicate
          surplus                            | surplus word surplus
          """)
  void isRefusedWithWhatIsPossible(String options, String message) throws IOException {
    List<String> args = new ArrayList<>(List.of("train", "--out", folder.resolve("o").toString()));
    args.addAll(List.of(options.split(" ")));
    CliRun run = CliRun.of(args.toArray(String[]::new));
    assertEquals(2, run.status(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertTrue(run.err().startsWith("halfstep train: "), run.err());
    assertTrue(run.err().lines().count() <= 2, run.err());
    assertFalse(run.err().contains("\tat ") || run.err().contains("Exception"), run.err());
    assertEquals("", run.out());
    assertFalse(Files.exists(folder.resolve("o")));
  }

  @Test
  void noCommandAndAnUnknownCommandAreRefused() {
    CliRun none = CliRun.of();
    assertEquals(2, none.status());
    assertTrue(
        none.err().contains("devices, plan, train, predict, export, lr-find, study and advise"),
        none.err());
    CliRun unknown = CliRun.of("trian");
    assertEquals(2, unknown.status());
    assertTrue(unknown.err().startsWith("halfstep: unknown command trian"), unknown.err());
    assertTrue(unknown.err().contains("train?"), unknown.err());
    assertTrue(unknown.err().lines().count() <= 2, unknown.err());
  }

  @Test
  void theVersionIsKnown() {
    CliRun run = CliRun.of("--version");
    assertEquals(0, run.status());
    assertTrue(run.out().matches("halfstep \\d+\\.\\d+\\.\\d+.*\\R"), run.out());
  }

  @Test
  void resumingWhereNothingWasLeftIsRefused() throws IOException {
    Path nowhere = folder.resolve("nowhere");
    CliRun missing = CliRun.of("train", "--resume", nowhere.toString());
    assertEquals(2, missing.status());
    assertTrue(missing.err().contains(nowhere + ": there is no such folder"), missing.err());
    Path empty = Files.createDirectory(folder.resolve("empty"));
    CliRun none = CliRun.of("train", "--resume", empty.toString());
    assertEquals(2, none.status());
    assertTrue(none.err().contains("there is no checkpoint here"), none.err());
    CliRun more = CliRun.of("train", "--resume", empty.toString(), "--epochs", "3");
    assertEquals(2, more.status());
    assertTrue(more.err().contains("takes no other"), more.err());
  }

  @Test
  void anOutputPathUnderAFileIsRefusedBeforeTraining() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "stays");
    for (Path out : List.of(file, file.resolve("below"), file.resolve("below/that"))) {
      CliRun run = CliRun.of("train", "--out", out.toString());
      assertEquals(2, run.status());
      assertTrue(run.err().contains(file + " is a file, expected a folder"), run.err());
      assertEquals("", run.out());
    }
    assertEquals("stays", Files.readString(file));
  }

  @Test
  void aJsonPathThatCannotBeWrittenIsRefusedBeforeTraining() {
    for (String json : List.of(folder.toString(), folder.resolve("no/such.json").toString())) {
      CliRun run = CliRun.of("train", "--out", folder.resolve("o").toString(), "--json", json);
      assertEquals(2, run.status());
      assertTrue(run.err().contains("--json " + json), run.err());
      assertEquals("", run.out());
    }
  }

  @Test
  void damagedFilesAreRefusedAndNamed() throws IOException {
    Path mnist = Files.createDirectory(folder.resolve("mnist"));
    Path images = Files.write(mnist.resolve("t10k-images-idx3-ubyte"), new byte[] {0, 0, 8, 3, 0});
    Files.write(mnist.resolve("t10k-labels-idx1-ubyte"), new byte[] {0, 0, 8, 1, 0, 0, 0, 0});
    refusedNaming("mnist:" + mnist, images + ": is truncated");
    Files.write(images, new byte[] {'P', 'N', 'G', '!'});
    refusedNaming("mnist:" + mnist, images + ": is not an IDX file");

    Path csv = folder.resolve("a.csv");
    refusedCsv(csv, "a,b,label\n1,2,0\n1,x,1\n", csv + ", line 3, column \"b\"");
    refusedCsv(csv, "a,b,label\n1,2,0\n1,NaN,1\n", "1 in column \"b\" (the first in line 3)");
    refusedCsv(csv, "a,b,label\n1,2,0\n1,1\n", csv + ", line 3");
    refusedCsv(csv, "", csv + ": is empty");
  }

  private void refusedCsv(Path file, String text, String message) throws IOException {
    Files.writeString(file, text);
    refusedNaming("csv:" + file, message);
  }

  private void refusedNaming(String data, String message) {
    Path out = folder.resolve("o");
    CliRun run = CliRun.of("train", "--data", data, "--out", out.toString());
    assertEquals(2, run.status(), run.err());
    assertTrue(run.err().contains(message), run.err());
    assertTrue(run.err().lines().count() <= 2, run.err());
    assertFalse(Files.exists(out));
  }

  @Test
  void aLinkToNowhereIsNoOutputFolder() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nowhere"));
    CliRun run = CliRun.of("train", "--out", link.toString());
    assertEquals(2, run.status());
    assertTrue(run.err().contains(link + " is a link to what is not there"), run.err());
  }

  @Test
  void theDataAreNotWrittenOver() throws IOException {
    Path csv = Files.writeString(folder.resolve("a.csv"), "a,label\n1,0\n2,1\n3,0\n");
    for (String command : List.of("train", "plan", "lr-find", "study", "advise")) {
      CliRun run = CliRun.of(command, "--data", "csv:" + csv, "--json", csv.toString());
      assertEquals(2, run.status(), run.err());
      assertTrue(run.err().contains(csv + ": is what --data names"), run.err());
    }
    CliRun figure = CliRun.of("lr-find", "--data", "csv:" + csv, "--figure", csv.toString());
    assertEquals(2, figure.status(), figure.err());
    assertEquals("a,label\n1,0\n2,1\n3,0\n", Files.readString(csv));
  }
}
