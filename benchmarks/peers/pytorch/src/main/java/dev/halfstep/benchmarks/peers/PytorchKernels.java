package dev.halfstep.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.bmm_out;
import static org.bytedeco.pytorch.global.torch.compile;
import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.convolution_backward;
import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.matmul_out;
import static org.bytedeco.pytorch.global.torch.native_batch_norm;
import static org.bytedeco.pytorch.global.torch.native_batch_norm_backward;
import static org.bytedeco.pytorch.global.torch.zeros;

import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Work;
import java.util.Arrays;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BoolPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.Function;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.T_TensorTensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

/** PyTorch's operators as works. The results of a call are freed before the next one. */
final class PytorchKernels implements Contender.Kernel {
  private static final int SHOWN = 1000;

  private static final String FUSED_ADAMW =
      "def step(p: Tensor, g: Tensor, m: Tensor, v: Tensor, t: Tensor):\n"
          + "    none: List[Tensor] = []\n"
          + "    ps, ms, vs = [p], [m], [v]\n"
          + "    torch._fused_adamw_(ps, [g], ms, vs, none, [t], lr=0.001, beta1=0.9,\n"
          + "        beta2=0.999, weight_decay=0.01, eps=1e-8, amsgrad=False, maximize=False)\n"
          + "    return ps[0], ms[0], vs[0]\n"; // without it the call is taken out as dead

  private final Supplier<Tensor> call;
  private float[] result = new float[0];

  private PytorchKernels(Supplier<Tensor> call) {
    this.call = call;
  }

  static Contender.Kernel of(Work work, String setting) {
    MemoryFormat format =
        setting.contains("nhwc") ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous;
    return switch (work.kind()) {
      case MATMUL -> matmul(work.size(0), work.size(1));
      case CROSS_ENTROPY -> crossEntropy(work.size(0), work.size(1));
      case BATCH_NORM -> batchNorm(work.size(0), work.size(1), work.size(2), format);
      case ADAMW -> setting.contains("fused") ? fusedAdamW(work.size(0)) : adamW(work.size(0));
      default -> convolution(work, format);
    };
  }

  private static Contender.Kernel matmul(int count, int size) {
    long[] shape = count == 1 ? new long[] {size, size} : new long[] {count, size, size};
    Tensor a = Tensor.create(Inputs.normal(count * size * size, 1), shape);
    Tensor b = Tensor.create(Inputs.normal(count * size * size, 2), shape);
    Tensor c = empty(shape);
    return new PytorchKernels(() -> count == 1 ? matmul_out(c, a, b) : bmm_out(c, a, b));
  }

  private static Contender.Kernel crossEntropy(int rows, int classes) {
    Tensor logits = Tensor.create(Inputs.normal(rows * classes, 1), rows, classes);
    logits.requires_grad_(true);
    Tensor labels =
        Tensor.create(
            Arrays.stream(Inputs.labels(rows, classes)).mapToLong(label -> label).toArray());
    Optimizer gradients = new SGD(new TensorVector(logits), new SGDOptions(0.01));
    return new PytorchKernels(
        () -> {
          gradients.zero_grad();
          cross_entropy_loss(logits, labels).backward();
          return logits.grad();
        });
  }

  /** From the order of [n, h, w, c], the same numbers in the wanted one. */
  private static Tensor images(int n, int size, int channels, long seed, MemoryFormat format) {
    float[] values = Inputs.normal(n * size * size * channels, seed);
    return Tensor.create(values, n, size, size, channels).permute(0, 3, 1, 2).contiguous(format);
  }

  private static Contender.Kernel batchNorm(int n, int channels, int size, MemoryFormat format) {
    Tensor x = images(n, size, channels, 1, format);
    Tensor dy = images(n, size, channels, 2, format);
    float[] ones = new float[channels];
    Arrays.fill(ones, 1);
    TensorOptional gamma = new TensorOptional(Tensor.create(ones));
    TensorOptional beta = new TensorOptional(zeros(channels));
    TensorOptional mean = new TensorOptional(zeros(channels));
    TensorOptional variance = new TensorOptional(Tensor.create(ones));
    BoolPointer all = bools(true, true, true);
    return new PytorchKernels(
        () -> {
          T_TensorTensorTensor_T y =
              native_batch_norm(x, gamma, beta, mean, variance, true, 0.1, 1e-5);
          return native_batch_norm_backward(
                  dy,
                  x,
                  gamma,
                  mean,
                  variance,
                  new TensorOptional(y.get1()),
                  new TensorOptional(y.get2()),
                  true,
                  1e-5,
                  all)
              .get1();
        });
  }

  private static Contender.Kernel adamW(int count) {
    Tensor parameters = Tensor.create(Inputs.normal(count, 1));
    parameters.requires_grad_(true);
    parameters.mutable_grad().put(Tensor.create(Inputs.normal(count, 2)));
    Optimizer optimizer = new AdamW(new TensorVector(parameters), new AdamWOptions(0.001));
    return new PytorchKernels(
        () -> {
          optimizer.step();
          return parameters;
        });
  }

  private static Contender.Kernel fusedAdamW(int count) {
    CompilationUnit unit = compile(FUSED_ADAMW);
    Function step = unit.get_functions().get(0);
    Tensor parameters = Tensor.create(Inputs.normal(count, 1));
    IValueVector operands =
        new IValueVector(
            new IValue(parameters),
            new IValue(Tensor.create(Inputs.normal(count, 2))),
            new IValue(zeros(count)),
            new IValue(zeros(count)),
            new IValue(Tensor.create(1f)));
    return new PytorchKernels(
        () -> {
          step.apply(new IValueVector(operands.get()));
          return parameters;
        });
  }

  private static Contender.Kernel convolution(Work work, MemoryFormat format) {
    int in = work.size(2);
    int out = work.size(3);
    Tensor weights =
        Tensor.create(Inputs.normal(out * 9 * in, 2), out, 3, 3, in)
            .permute(0, 3, 1, 2)
            .contiguous(format);
    Tensor x = images(work.size(0), work.size(1), in, 1, format);
    long[] one = {1, 1};
    TensorOptional noBias = new TensorOptional();
    if (work.kind() == Work.Kind.CONV) {
      return new PytorchKernels(() -> conv2d(x, weights, noBias, one, one, one, 1));
    }
    boolean data = work.kind() == Work.Kind.CONV_DATA;
    Tensor dy = images(work.size(0), work.size(1), out, 3, format);
    BoolPointer wanted = bools(data, !data, false);
    long[] zero = {0, 0};
    return new PytorchKernels(
        () -> {
          T_TensorTensorTensor_T gradients =
              convolution_backward(
                  dy, x, weights, new long[] {out}, one, one, one, false, zero, 1, wanted);
          return data ? gradients.get0() : gradients.get1();
        });
  }

  private static BoolPointer bools(boolean... values) {
    BoolPointer pointer = new BoolPointer(values.length);
    for (int i = 0; i < values.length; i++) {
      pointer.put(i, values[i]);
    }
    return pointer;
  }

  @Override
  public void run() {
    try (PointerScope scope = new PointerScope()) {
      Tensor out = call.get();
      if (result.length == 0) {
        Tensor seen = out.detach();
        if (seen.dim() == 4) {
          seen = seen.permute(0, 2, 3, 1).contiguous();
        }
        result = PytorchContender.read(seen, SHOWN);
      }
    }
  }

  @Override
  public float[] result() {
    return result;
  }

  @Override
  public void close() {
    result = new float[0];
  }
}
