package dev.halfstep.oracle;

import static org.bytedeco.cuda.global.cudart.cudaEventCreate;
import static org.bytedeco.cuda.global.cudart.cudaEventElapsedTime;
import static org.bytedeco.cuda.global.cudart.cudaEventRecord;
import static org.bytedeco.cuda.global.cudart.cudaEventSynchronize;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.kernel.Activation;
import dev.halfstep.kernel.BatchNormKernel;
import dev.halfstep.kernel.Conv2dKernel;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.kernel.SoftmaxKernel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;

/**
 * Our kernels and NVIDIA's on the same inputs, on one stream of one GPU: first whether they agree,
 * then how long each takes by events on the device.
 */
public final class Oracle {
  private static final int WARM_UP = 5;
  private static final int REPEATS = 50;

  /**
   * What came out of one comparison.
   *
   * @param difference the largest one between two elements, as a share of the largest of theirs
   * @param bound what it must not exceed, by the storage type
   * @param ours microseconds a call of ours takes
   * @param theirs microseconds a call of theirs takes
   */
  public record Comparison(
      String name, double difference, double bound, double ours, double theirs) {
    /** Whether both gave the same but for rounding. */
    public boolean agrees() {
      return difference <= bound;
    }

    @Override
    public String toString() {
      return String.format(
          "%-44s %9.2e of %7.1e  %9.1f us  %9.1f us  %5.2f x%s",
          name, difference, bound, ours, theirs, theirs / ours, agrees() ? "" : " differ");
    }
  }

  private final Device device;
  private final Stream stream;
  private final CUstream_st nativeStream;
  private final Random random = new Random(1);
  private final List<Comparison> results = new ArrayList<>();

  private Oracle(Device device) {
    this.device = device;
    this.stream = device.stream();
    this.nativeStream = new CUstream_st(at(stream.nativeHandle()));
  }

  /** Prints a line for each comparison on "cuda"; status 1 if one does not agree. */
  public static void main(String[] args) {
    String problem = CudaLibraries.problem();
    if (!problem.isEmpty()) {
      System.err.println(problem);
      System.exit(2);
    }
    try (Device device = Device.open("cuda")) {
      System.out.println(device.info().name() + ", " + device.info().detail());
      List<Comparison> results = compare(device);
      results.forEach(System.out::println);
      if (!results.stream().allMatch(Comparison::agrees)) {
        System.exit(1);
      }
    }
  }

  /** All comparisons on a CUDA device whose default stream the calling thread owns. */
  public static List<Comparison> compare(Device device) {
    Oracle oracle = new Oracle(device);
    try (Cublas cublas = new Cublas(oracle.nativeStream);
        Cudnn cudnn = new Cudnn(device, oracle.nativeStream)) {
      for (DType type : List.of(DType.F32, DType.BF16, DType.F16)) {
        oracle.products(cublas, type, 64, 512);
        oracle.products(cublas, type, 1024, 32);
        oracle.products(cublas, type, 1, 4096);
        oracle.softmax(cudnn, type, 4096, 1000);
        oracle.batchNorm(cudnn, type, 64 * 28 * 28, 64);
        oracle.convolution(cudnn, type);
      }
      oracle.fusedProduct(cublas, 256, 1024, 512);
    }
    return List.copyOf(oracle.results);
  }

  /** Memory of the device at an address, as the presets take it. */
  static Pointer at(long address) {
    return new AddressOnly(address);
  }

  /** A pointer that owns nothing. */
  private static final class AddressOnly extends Pointer {
    AddressOnly(long address) {
      this.address = address;
    }
  }

  private Tensor normal(DType type, long... dims) {
    Tensor tensor = device.empty(type, Shape.of(dims));
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.upload(values);
    return tensor;
  }

  private void products(Cublas cublas, DType type, int batch, int n) {
    long stride = (long) n * n;
    MatmulKernel ours =
        MatmulKernel.builder(n, n, n)
            .types(type, type)
            .batch(batch, stride, stride, stride)
            .build();
    try (Tensor a = normal(type, batch, n, n);
        Tensor b = normal(type, batch, n, n);
        Tensor c = device.empty(type, a.shape());
        Tensor expected = device.empty(type, a.shape())) {
      add(
          "cuBLAS " + batch + " x " + n + "^3 " + type,
          type,
          () -> ours.run(stream, a, b, c),
          () -> cublas.products(type, batch, n, a, b, expected),
          c,
          expected);
    }
  }

  private void fusedProduct(Cublas cublas, int m, int n, int k) {
    MatmulKernel ours = MatmulKernel.builder(m, n, k).activation(Activation.RELU).build();
    try (Tensor a = normal(DType.F32, m, k);
        Tensor b = normal(DType.F32, k, n);
        Tensor bias = normal(DType.F32, n);
        Tensor c = device.empty(DType.F32, Shape.of(m, n));
        Tensor expected = device.empty(DType.F32, Shape.of(m, n));
        Cublas.Fused fused = cublas.reluOfProduct(m, n, k, bias)) {
      add(
          "cuBLASLt relu(A B + bias) " + m + " x " + n + " x " + k,
          DType.F32,
          () -> ours.run(stream, a, b, c, bias, null, null),
          () -> fused.run(a, b, expected),
          c,
          expected);
    }
  }

  private void softmax(Cudnn cudnn, DType type, int rows, int columns) {
    SoftmaxKernel ours = SoftmaxKernel.builder(rows, columns).type(type).build();
    try (Tensor x = normal(type, rows, columns);
        Tensor y = device.empty(type, x.shape());
        Tensor expected = device.empty(type, x.shape())) {
      add(
          "cuDNN softmax " + rows + " x " + columns + " " + type,
          type,
          () -> ours.run(stream, x, y),
          () -> cudnn.softmax(type, rows, columns, x, expected),
          y,
          expected);
    }
  }

  private void batchNorm(Cudnn cudnn, DType type, int rows, int channels) {
    BatchNormKernel ours = BatchNormKernel.builder(rows, channels).type(type).build();
    Tensor[] parameters = new Tensor[6]; // scale, shift, running and saved statistics
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = normal(DType.F32, channels);
    }
    try (Tensor x = normal(type, rows, channels);
        Tensor y = device.empty(type, x.shape());
        Tensor expected = device.empty(type, x.shape())) {
      Tensor[] p = parameters;
      add(
          "cuDNN batch norm, training, " + rows + " x " + channels + " " + type,
          type,
          () -> ours.train(stream, x, p[0], p[1], null, y, p[2], p[3], p[4], p[5]),
          () -> cudnn.batchNorm(type, rows, channels, x, p, expected),
          y,
          expected);
    }
    for (Tensor parameter : parameters) {
      parameter.close();
    }
  }

  private void convolution(Cudnn cudnn, DType type) {
    Cudnn.Images images = new Cudnn.Images(64, 28, 32, 64, 3);
    Conv2dKernel ours =
        Conv2dKernel.builder(images.x(), images.weights()).type(type).padding(1, 1).build();
    try (Tensor x = normal(type, 64, 28, 28, 32);
        Tensor weights = normal(type, 64, 3, 3, 32);
        Tensor y = device.empty(type, ours.outputShape());
        Tensor expected = device.empty(type, ours.outputShape());
        Cudnn.Convolution theirs = cudnn.convolution(type, images)) {
      add(
          "cuDNN convolution 28 x 28 x 32 -> 64, 3 x 3, " + type,
          type,
          () -> ours.run(stream, x, weights, null, null, y),
          () -> theirs.run(x, weights, expected),
          y,
          expected);
    }
  }

  private void add(
      String name, DType type, Runnable ours, Runnable theirs, Tensor result, Tensor expected) {
    ours.run();
    theirs.run();
    stream.synchronize();
    double difference = difference(result.toFloats(), expected.toFloats());
    double bound = type == DType.F32 ? 1e-4 : type == DType.F16 ? 2e-3 : 1.6e-2;
    results.add(new Comparison(name, difference, bound, time(ours), time(theirs)));
  }

  private static double difference(float[] ours, float[] theirs) {
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < ours.length; i++) {
      double between = Math.abs((double) ours[i] - theirs[i]);
      if (Double.isNaN(between)) {
        return Double.POSITIVE_INFINITY;
      }
      difference = Math.max(difference, between);
      largest = Math.max(largest, Math.abs(theirs[i]));
    }
    return largest == 0 ? difference : difference / largest;
  }

  /** Microseconds of one call. The inputs of most cases fit into the second-level cache. */
  private double time(Runnable call) {
    for (int i = 0; i < WARM_UP; i++) {
      call.run();
    }
    CUevent_st begin = new CUevent_st();
    CUevent_st end = new CUevent_st();
    check(cudaEventCreate(begin), "an event");
    check(cudaEventCreate(end), "an event");
    check(cudaEventRecord(begin, nativeStream), "an event");
    for (int i = 0; i < REPEATS; i++) {
      call.run();
    }
    check(cudaEventRecord(end, nativeStream), "an event");
    check(cudaEventSynchronize(end), "an event");
    float[] milliseconds = new float[1];
    check(cudaEventElapsedTime(milliseconds, begin, end), "an event");
    return 1000.0 * milliseconds[0] / REPEATS;
  }

  /** Throws if a call of one of their libraries failed. */
  static void check(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(call + " gave status " + status);
    }
  }
}
