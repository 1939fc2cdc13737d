package dev.halfstep.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.max_pool2d;
import static org.bytedeco.pytorch.global.torch.relu_;
import static org.bytedeco.pytorch.global.torch.set_num_threads;
import static org.bytedeco.pytorch.global.torch.stack;

import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Fork;
import dev.halfstep.benchmarks.harness.Network;
import dev.halfstep.benchmarks.harness.Work;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

/** PyTorch's C++ interface through JavaCPP. Temporaries are freed with the scope of their step. */
public final class PytorchContender implements Contender {
  /** Times the works that the arguments name: see {@link Fork}. */
  public static void main(String[] arguments) {
    Fork.main(new PytorchContender(), arguments);
  }

  @Override
  public String name() {
    return "pytorch";
  }

  @Override
  public String version() {
    return "PyTorch 2.10.0, JavaCPP 1.5.13";
  }

  @Override
  public List<String> settings(Work work) {
    return switch (work.kind()) {
      case CALLERS -> List.of();
      case ADAMW -> List.of("2 threads optim", "2 threads fused");
      case CNN, BATCH_NORM, CONV, CONV_DATA, CONV_WEIGHTS ->
          List.of("2 threads", "2 threads nhwc", "1 thread");
      default -> List.of("2 threads", "1 thread");
    };
  }

  @Override
  public Training training(Work work, String setting) {
    applyThreads(setting);
    return new PytorchTraining(work.network(), work.size(0), setting.contains("nhwc"));
  }

  @Override
  public Kernel kernel(Work work, String setting) {
    applyThreads(setting);
    return PytorchKernels.of(work, setting);
  }

  private static void applyThreads(String setting) {
    set_num_threads(Integer.parseInt(setting.split(" ", -1)[0]));
  }

  /** The first numbers of a tensor, in the order of its memory. */
  static float[] read(Tensor tensor, int most) {
    float[] values = new float[(int) Math.min(most, tensor.numel())];
    tensor.data_ptr_float().get(values);
    return values;
  }

  /** The network and its data as tensors. */
  private static final class PytorchTraining implements Training {
    private final boolean images;
    private final int batch;
    private final Tensor samples;
    private final Tensor labels;
    private final List<Tensor> weights = new ArrayList<>();
    private final List<TensorOptional> biases = new ArrayList<>();
    private final Optimizer optimizer;

    PytorchTraining(Network network, int batch, boolean nhwc) {
      this.images = network == Network.CNN;
      this.batch = batch;
      Tensor flat = Tensor.create(network.samples(), Work.SAMPLES, network.features());
      samples = images ? ordered(flat.view(Work.SAMPLES, 1, 28, 28), nhwc) : flat;
      long[] classes = new long[Work.SAMPLES];
      for (int i = 0; i < classes.length; i++) {
        classes[i] = network.labels()[i];
      }
      labels = Tensor.create(classes);
      TensorVector parameters = new TensorVector();
      List<float[]> values = network.weights();
      for (int i = 0; i < values.size(); i += 2) {
        int out = values.get(i + 1).length;
        int in = values.get(i).length / out;
        Tensor weight = Tensor.create(values.get(i), out, in);
        if (images && i < 4) {
          weight = ordered(weight.view(out, in / 9, 3, 3), nhwc).clone();
        }
        weight.requires_grad_(true);
        Tensor bias = Tensor.create(values.get(i + 1));
        bias.requires_grad_(true);
        parameters.push_back(weight).push_back(bias);
        weights.add(weight);
        biases.add(new TensorOptional(bias));
      }
      optimizer =
          images
              ? new Adam(parameters, new AdamOptions(0.001))
              : new SGD(parameters, new SGDOptions(0.01));
    }

    private static Tensor ordered(Tensor tensor, boolean nhwc) {
      return nhwc ? tensor.contiguous(MemoryFormat.ChannelsLast) : tensor;
    }

    private Tensor dense(Tensor x, int layer) {
      return linear(x, weights.get(layer), biases.get(layer));
    }

    private Tensor convolution(Tensor x, int layer) {
      long[] one = {1, 1};
      Tensor y = conv2d(x, weights.get(layer), biases.get(layer), one, one, one, 1);
      return max_pool2d(relu_(y), 2, 2);
    }

    private Tensor logits(Tensor x) {
      if (!images) {
        return dense(relu_(dense(x, 0)), 1);
      }
      Tensor features = convolution(convolution(x, 0), 1).flatten(1, 3);
      return dense(relu_(dense(features, 2)), 3);
    }

    @Override
    public float[] train(int[] order) {
      long[] indices = new long[order.length];
      for (int i = 0; i < order.length; i++) {
        indices[i] = order[i];
      }
      try (PointerScope epoch = new PointerScope()) {
        Tensor index = Tensor.create(indices);
        TensorVector losses = new TensorVector();
        for (int at = 0; at < order.length; at += batch) {
          try (PointerScope step = new PointerScope()) {
            Tensor rows = index.narrow(0, at, batch);
            Tensor x = samples.index_select(0, rows);
            Tensor loss = cross_entropy_loss(logits(x), labels.index_select(0, rows));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            losses.push_back(loss.detach());
          }
        }
        return read(stack(losses), losses.get().length);
      }
    }

    @Override
    public void close() {
      optimizer.close();
    }
  }
}
