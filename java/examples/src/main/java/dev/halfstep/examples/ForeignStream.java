package dev.halfstep.examples;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.kernel.SoftmaxKernel;

/**
 * Kernels on the CUDA stream of another library. That library's calls and ours run in the order in
 * which they were made, so nobody waits on the host between them.
 *
 * <p>So that the program needs no other library, a stream of Halfstep stands for the other one's:
 * what is used of it is its {@code cudaStream_t} alone.
 */
public final class ForeignStream {
  private static final int ROWS = 4;
  private static final int WIDTH = 8;

  private ForeignStream() {}

  /**
   * Prints the sum of each row of softmax(x x^T), which is 1.
   *
   * @param args the device, "cuda" if it is not given: one that has streams of its own
   */
  public static void main(String[] args) {
    try (Device device = Device.open(args.length > 0 ? args[0] : "cuda");
        Stream theirs = device.newStream();
        Tensor x = device.empty(DType.F32, Shape.of(ROWS, WIDTH));
        Tensor scores = device.empty(DType.F32, Shape.of(ROWS, ROWS))) {
      float[] values = new float[ROWS * WIDTH];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i);
      }
      x.upload(values);
      long cudaStream =
          theirs.nativeHandle(); // with PyTorch: torch.cuda.current_stream().cuda_stream

      try (Stream ours = device.wrapStream(cudaStream)) {
        MatmulKernel.builder(ROWS, ROWS, WIDTH).transposeB(true).build().run(theirs, x, x, scores);
        SoftmaxKernel.builder(ROWS, ROWS).build().run(ours, scores, scores); // after their product
        ours.synchronize();
      } // their stream is theirs still

      float[] rows = scores.toFloats();
      for (int row = 0; row < ROWS; row++) {
        float sum = 0;
        for (int i = 0; i < ROWS; i++) {
          sum += rows[row * ROWS + i];
        }
        System.out.printf("row %d sums up to %.6f%n", row, sum);
      }
    }
  }
}
