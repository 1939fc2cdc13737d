package dev.halfstep.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Work;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HalfstepContenderTest {
  private final HalfstepContender halfstep = new HalfstepContender();

  @Test
  void worksAreReadAsTheyAreWritten() {
    for (String text : List.of("mlp/64", "matmul/64x128", "batch_norm/8x4x5", "conv/2x5x3x4")) {
      assertEquals(text, Work.parse(text).toString());
    }
  }

  /** The losses of both networks' first two steps as PyTorch 2.10 computes them. */
  @Test
  void networksBeginAsThoseOfThePeers() {
    assertArrayEquals(new float[] {0.7046132f, 0.7089196f}, losses("mlp/64"), 1e-5f);
    assertArrayEquals(new float[] {2.2984314f, 2.4015262f}, losses("cnn/16"), 1e-4f);
  }

  private float[] losses(String text) {
    Work work = Work.parse(text);
    try (Contender.Training training = halfstep.training(work, "1 thread")) {
      return training.train(IntStream.range(0, 2 * work.size(0)).toArray());
    }
  }

  @Test
  void everyKernelGivesNumbersEachTime() {
    for (String text :
        List.of(
            "matmul/3x5",
            "cross_entropy/4x7",
            "batch_norm/2x3x4",
            "adamw/100",
            "conv/2x5x3x4",
            "conv_data/2x5x3x4",
            "conv_weights/2x5x3x4",
            "callers/2")) {
      for (String setting : List.of("2 threads", "1 thread bf16")) {
        try (Contender.Kernel kernel = halfstep.kernel(Work.parse(text), setting)) {
          kernel.run();
          float[] result = kernel.result();
          assertTrue(result.length > 0, text);
          for (float value : result) {
            assertTrue(Float.isFinite(value), text + " " + setting);
          }
          kernel.run();
        }
      }
    }
  }

  @Test
  void aProductIsThatOfItsInputs() {
    float[] a = Inputs.normal(75, 1);
    float[] b = Inputs.normal(75, 2);
    double expected = 0; // row 1, column 3 of the last of 3 products of 5 x 5
    for (int k = 0; k < 5; k++) {
      expected += (double) a[50 + 5 + k] * b[50 + 5 * k + 3];
    }
    try (Contender.Kernel kernel = halfstep.kernel(Work.parse("matmul/3x5"), "1 thread")) {
      kernel.run();
      assertEquals(expected, kernel.result()[50 + 5 + 3], 1e-5);
    }
  }
}
