package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Work;
import dev.halfstep.kernel.BatchNormGradientKernel;
import dev.halfstep.kernel.BatchNormKernel;
import dev.halfstep.kernel.CastKernel;
import dev.halfstep.kernel.Conv2dGradientKernel;
import dev.halfstep.kernel.Conv2dKernel;
import dev.halfstep.kernel.CrossEntropyKernel;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.kernel.OptimizerStepKernel;
import java.util.Arrays;

/** The kernels as works: calls on tensors of a device. */
final class HalfstepKernels {
  private static final int SHOWN = 1000;

  private final Device device;
  private final Stream stream;
  private final DType type;

  private HalfstepKernels(Device device, DType type) {
    this.device = device;
    this.stream = device.stream();
    this.type = type;
  }

  /** The kernel of a work, with operands of this type if the kernel can take it. */
  static Contender.Kernel of(Work work, String deviceId, DType type) {
    Device device = Device.open(deviceId);
    HalfstepKernels kernels = new HalfstepKernels(device, type);
    return switch (work.kind()) {
      case MATMUL -> kernels.matmul(work.size(0), work.size(1));
      case CROSS_ENTROPY -> kernels.crossEntropy(work.size(0), work.size(1));
      case BATCH_NORM ->
          kernels.batchNorm(work.size(0) * work.size(2) * work.size(2), work.size(1));
      case ADAMW -> kernels.adamW(work.size(0));
      case CONV, CONV_DATA, CONV_WEIGHTS -> kernels.convolution(work);
      case CALLERS -> new Callers(device, work.size(0));
      default -> throw new IllegalArgumentException(work + " is no kernel");
    };
  }

  private Contender.Kernel matmul(int count, int size) {
    int square = size * size;
    Tensor a = normal(count * square, 1);
    Tensor b = normal(count * square, 2);
    Tensor c = device.empty(type, a.shape());
    MatmulKernel matmul =
        MatmulKernel.builder(size, size, size)
            .types(type, type)
            .batch(count, square, square, square)
            .build();
    return kernel(() -> matmul.run(stream, a, b, c), c);
  }

  private Contender.Kernel crossEntropy(int rows, int classes) {
    Tensor logits = normal(rows * classes, 1);
    Tensor gradient = device.empty(type, logits.shape());
    Tensor labels = device.tensor(Shape.of(rows), Inputs.labels(rows, classes));
    Tensor loss = device.empty(DType.F32, Shape.of(rows));
    CrossEntropyKernel crossEntropy = CrossEntropyKernel.builder(rows, classes).type(type).build();
    return kernel(
        () -> crossEntropy.run(stream, logits, labels, null, null, gradient, loss), gradient);
  }

  private Contender.Kernel batchNorm(int rows, int channels) {
    Tensor x = normal(rows * channels, 1);
    Tensor dy = normal(rows * channels, 2);
    Tensor y = device.empty(type, x.shape());
    Tensor dx = device.empty(type, x.shape());
    Tensor gamma = device.tensor(Shape.of(channels), ones(channels));
    Tensor[] of = new Tensor[7];
    for (int i = 0; i < of.length; i++) {
      of[i] = device.zeros(DType.F32, Shape.of(channels));
    }
    BatchNormKernel.Builder builder = BatchNormKernel.builder(rows, channels).type(type);
    BatchNormKernel forward = builder.build();
    BatchNormGradientKernel backward = builder.buildGradient();
    return kernel(
        () -> {
          forward.train(stream, x, gamma, of[0], null, y, of[1], of[2], of[3], of[4]);
          backward.run(stream, dy, x, null, gamma, of[3], of[4], dx, null, of[5], of[6], 0);
        },
        of[5]);
  }

  private Contender.Kernel adamW(int count) {
    Tensor parameters = device.tensor(Shape.of(count), Inputs.normal(count, 1));
    Tensor gradients = device.tensor(Shape.of(count), Inputs.normal(count, 2));
    Tensor moment1 = device.zeros(DType.F32, Shape.of(count));
    Tensor moment2 = device.zeros(DType.F32, Shape.of(count));
    OptimizerStepKernel step = OptimizerStepKernel.adamW(count).build();
    return kernel(
        () -> step.run(stream, parameters, gradients, moment1, moment2, null), parameters);
  }

  private Contender.Kernel convolution(Work work) {
    int n = work.size(0);
    int size = work.size(1);
    int in = work.size(2);
    int out = work.size(3);
    Shape shapeX = Shape.of(n, size, size, in);
    Shape shapeW = Shape.of(out, 3, 3, in);
    Conv2dKernel.Builder builder = Conv2dKernel.builder(shapeX, shapeW).type(type).padding(1, 1);
    Conv2dKernel forward = builder.build();
    Conv2dGradientKernel backward = builder.buildGradient();
    boolean data = work.kind() == Work.Kind.CONV_DATA;
    boolean weights = work.kind() == Work.Kind.CONV_WEIGHTS;
    int sizeX = (int) shapeX.elements();
    int sizeY = n * size * size * out;
    Tensor x = data ? device.empty(type, shapeX) : normal(sizeX, 1);
    Tensor w = weights ? device.empty(DType.F32, shapeW) : normal((int) shapeW.elements(), 2);
    Tensor y = data || weights ? normal(sizeY, 3) : device.empty(type, Shape.of(sizeY));
    if (data) {
      return kernel(() -> backward.input(stream, y, w, 0, x), x);
    }
    if (weights) {
      return kernel(() -> backward.weights(stream, x, y, 0, w, null), w);
    }
    return kernel(() -> forward.run(stream, x, w, null, null, y), y);
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private Tensor normal(int count, long seed) {
    Tensor values = device.tensor(Shape.of(count), Inputs.normal(count, seed));
    if (type == DType.F32) {
      return values;
    }
    Tensor rounded = device.empty(type, Shape.of(count));
    CastKernel.of(DType.F32, type, count).run(stream, values, rounded);
    return rounded;
  }

  private Contender.Kernel kernel(Runnable call, Tensor out) {
    return new Contender.Kernel() {
      @Override
      public void run() {
        call.run();
        stream.synchronize();
      }

      @Override
      public float[] result() {
        float[] all =
            out.reshape(Shape.of(out.shape().elements()))
                .slice(0, Math.min(SHOWN, out.shape().elements()))
                .toFloats();
        return all;
      }

      @Override
      public void close() {
        device.close();
      }
    };
  }
}
