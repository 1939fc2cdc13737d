package dev.halfstep.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.Shape;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Halfstep reads the files of other programs, and they read its files. */
final class ForeignFilesTest {
  /** The Python with the packages safetensors and numpy that CI installs. */
  private static final Path CI_PYTHON = Path.of("../../target/python/bin/python3");

  @TempDir Path folder;

  /**
   * The file was written by the format's own implementation, the Python package safetensors 0.8.0:
   * {@code serialize} with these tensors and {@code metadata={"format": "pt", "note": "π"}}.
   */
  @Test
  void aFileByTheReferenceWriterIsRead() throws IOException {
    Path file = folder.resolve("by-python");
    try (InputStream in = Model.class.getResourceAsStream("by-python.safetensors")) {
      Files.copy(Objects.requireNonNull(in), file);
    }
    Safetensors.Contents contents = Safetensors.read(file);
    assertEquals(Map.of("format", "pt", "note", "π"), contents.metadata());
    Map<String, Safetensors.Entry> tensors = contents.tensors();
    assertEquals(
        List.of("steps", "fc.bias", "empty", "fc.weight", "brain", "half"),
        List.copyOf(tensors.keySet()));
    check(tensors.get("fc.bias"), "F64", Shape.of(2), 0.1f, -2);
    check(tensors.get("empty"), "F32", Shape.of(0, 3));
    float[] weight = {0.5f, -1.25f, 3, 1e-30f, -0f, 16777216};
    check(tensors.get("fc.weight"), "F32", Shape.of(2, 3), weight);
    check(tensors.get("brain"), "BF16", Shape.of(2), 1, -3.140625f);
    check(tensors.get("half"), "F16", Shape.of(4), 1, -0x1.554p-2f, 0x1p-14f, 0x1p-24f);
    Safetensors.Entry steps = tensors.get("steps");
    assertEquals("I64", steps.type());
    assertEquals(Shape.of(), steps.shape());
    assertFalse(steps.isReadable());
    IllegalStateException refusal = assertThrows(IllegalStateException.class, steps::values);
    assertTrue(String.valueOf(refusal.getMessage()).contains("I64"), refusal.toString());
  }

  private static void check(Safetensors.Entry tensor, String type, Shape shape, float... values) {
    assertEquals(type, tensor.type());
    assertEquals(shape, tensor.shape());
    assertArrayEquals(values, tensor.values());
  }

  @Test
  void everyHalfPrecisionNumberIsReadAsIeee754DefinesIt() {
    ByteBuffer bytes = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits = 0; bits < 1 << 16; bits++) {
      bytes.putShort(2 * bits, (short) bits);
    }
    float[] read = new float[1 << 16];
    TensorType.F16.read(bytes, read, 0, read.length);
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >> 10 & 0x1F;
      double fraction = (bits & 0x3FF) / 1024.0;
      double magnitude =
          exponent == 0
              ? Math.scalb(fraction, -14)
              : exponent < 31
                  ? Math.scalb(1 + fraction, exponent - 15)
                  : fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
      assertEquals((float) (bits >> 15 == 0 ? magnitude : -magnitude), read[bits]);
    }
  }

  @Test
  void theReferenceReaderReadsWhatIsWrittenHere() throws IOException, InterruptedException {
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>();
    float[] weight = {0.5f, -1.25f, 3, 1e-30f, -0f, 16777216};
    tensors.put("fc.weight", new Safetensors.Entry(Shape.of(2, 3), weight));
    tensors.put("\"\n", new Safetensors.Entry(Shape.of(), new float[] {0.1f}));
    tensors.put("empty", new Safetensors.Entry(Shape.of(3, 0), new float[0]));
    Path file = folder.resolve("by-java");
    Safetensors.write(file, tensors, Map.of("note", "π"));
    List<String> lines =
        python(
            """
            from safetensors import safe_open
            with safe_open(file, framework="np") as f:
                print(f.metadata()["format"], f.metadata()["note"] == "\\u03c0")
                for name in sorted(f.keys()):
                    t = f.get_tensor(name)
                    print(ascii(name), t.dtype, list(t.shape), t.astype(">f4").tobytes().hex())
            """,
            file);
    assertEquals(
        List.of(
            "pt True",
            "'\"\\n' float32 [] 3dcccccd",
            "'empty' float32 [3, 0] ",
            "'fc.weight' float32 [2, 3] 3f000000bfa00000404000000da24260800000004b800000"),
        lines);
  }

  @Test
  void aModelIsCarriedOverByPython() throws IOException, InterruptedException {
    Model first = Model.of(Shape.of(5), Sequential.of(new Linear(3), new ReLU(), new Linear(2)));
    Path file = folder.resolve("model");
    first.initialize(3).save(file, Map.of());
    // Loading and saving in Python drops the metadata, including the checksum, and widens the
    // types.
    python(
        """
        from safetensors.numpy import load_file, save_file
        tensors = {name: t.astype("float64") for name, t in load_file(file).items()}
        save_file(tensors, file + ".python")
        """,
        file);
    Model second = Model.of(Shape.of(5), Sequential.of(new Linear(3), new ReLU(), new Linear(2)));
    second.load(folder.resolve("model.python"));
    assertArrayEquals(first.weights(), second.weights());
  }

  /**
   * Runs a program with the file's name in the variable {@code file}, and returns the lines it
   * prints.
   */
  private static List<String> python(String program, Path file)
      throws IOException, InterruptedException {
    String python = Files.exists(CI_PYTHON) ? CI_PYTHON.toString() : "python3";
    Process probe;
    try {
      probe = new ProcessBuilder(python, "-c", "import safetensors.numpy").start();
    } catch (IOException e) {
      assumeTrue(false, "skipped: there is no python3 here (" + e.getMessage() + ")");
      throw e;
    }
    String reason = new String(probe.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assumeTrue(probe.waitFor() == 0, "skipped: pip install safetensors numpy first. " + reason);
    Process process =
        new ProcessBuilder(python, "-c", "import sys; file = sys.argv[1]\n" + program, file + "")
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.lines().toList();
  }
}
