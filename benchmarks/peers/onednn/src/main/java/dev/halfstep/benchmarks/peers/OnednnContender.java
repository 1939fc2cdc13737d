package dev.halfstep.benchmarks.peers;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Fork;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Work;
import java.util.List;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.convolution_backward_data;
import org.bytedeco.dnnl.convolution_backward_weights;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * oneDNN's primitives, made once and called again and again: matrix products, and convolutions
 * whose weights stay in oneDNN's own layout between calls, as in a program that only uses oneDNN.
 * Its OpenMP runtime uses all cores.
 */
public final class OnednnContender implements Contender {
  private static final int SHOWN = 1000;

  private final engine cpu = new engine(engine.kind.cpu, 0);
  private final stream queue = new stream(cpu);

  /** Times the works that the arguments name: see {@link Fork}. */
  public static void main(String[] arguments) {
    Fork.main(new OnednnContender(), arguments);
  }

  @Override
  public String name() {
    return "onednn";
  }

  @Override
  public String version() {
    return "oneDNN 3.11, JavaCPP 1.5.13";
  }

  @Override
  public List<String> settings(Work work) {
    return switch (work.kind()) {
      case MATMUL, CONV, CONV_DATA, CONV_WEIGHTS -> List.of("all threads");
      default -> List.of();
    };
  }

  @Override
  public Training training(Work work, String setting) {
    throw new UnsupportedOperationException("oneDNN trains no networks");
  }

  @Override
  public Kernel kernel(Work work, String setting) {
    if (work.kind() == Work.Kind.MATMUL) {
      return matmul(work.size(0), work.size(1));
    }
    return convolution(work);
  }

  private Kernel matmul(int count, int size) {
    long square = (long) size * size;
    memory.desc shape =
        new memory.desc(
            new long[] {count, size, size}, memory.data_type.f32, new long[] {square, size, 1});
    int all = (int) (count * square);
    IntMemoryMap arguments = new IntMemoryMap();
    arguments.put(DNNL_ARG_SRC, filled(shape, all, 1));
    arguments.put(DNNL_ARG_WEIGHTS, filled(shape, all, 2));
    FloatPointer c = new FloatPointer(all);
    arguments.put(DNNL_ARG_DST, new memory(shape, cpu, c));
    matmul.primitive_desc desc = new matmul.primitive_desc(cpu, shape, shape, shape);
    return new Call(new matmul(desc), arguments, c, () -> {});
  }

  /**
   * Describes memory laid out as [n, h, w, c], and weights as [out, h, w, in]; the dimensions are
   * in oneDNN's order, [n, c, h, w].
   */
  private static memory.desc channelsLast(int n, int height, int width, int channels) {
    return new memory.desc(
        new long[] {n, channels, height, width},
        memory.data_type.f32,
        new long[] {(long) height * width * channels, 1, (long) width * channels, channels});
  }

  private Kernel convolution(Work work) {
    int n = work.size(0);
    int size = work.size(1);
    int in = work.size(2);
    int out = work.size(3);
    memory.desc x = channelsLast(n, size, size, in);
    memory.desc y = channelsLast(n, size, size, out);
    memory.desc plain = channelsLast(out, 3, 3, in);
    memory.desc any =
        new memory.desc(new long[] {out, in, 3, 3}, memory.data_type.f32, memory.format_tag.any);
    long[] one = {1, 1};
    dnnl.algorithm direct = dnnl.algorithm.convolution_direct;
    convolution_forward.primitive_desc forward =
        new convolution_forward.primitive_desc(
            cpu,
            dnnl.prop_kind.forward_training,
            direct,
            x,
            any,
            new memory.desc(),
            y,
            one,
            one,
            one);
    int sizeX = n * size * size * in;
    int sizeY = n * size * size * out;
    int sizeW = out * 9 * in;
    IntMemoryMap arguments = new IntMemoryMap();
    if (work.kind() == Work.Kind.CONV) {
      FloatPointer result = new FloatPointer(sizeY);
      arguments.put(DNNL_ARG_SRC, filled(x, sizeX, 1));
      arguments.put(DNNL_ARG_WEIGHTS, packed(filled(plain, sizeW, 2), forward.weights_desc()));
      arguments.put(DNNL_ARG_DST, new memory(y, cpu, result));
      return new Call(new convolution_forward(forward), arguments, result, () -> {});
    }
    arguments.put(DNNL_ARG_DIFF_DST, filled(y, sizeY, 3));
    if (work.kind() == Work.Kind.CONV_DATA) {
      convolution_backward_data.primitive_desc desc =
          new convolution_backward_data.primitive_desc(
              cpu, direct, x, any, y, one, one, one, forward);
      FloatPointer result = new FloatPointer(sizeX);
      arguments.put(DNNL_ARG_WEIGHTS, packed(filled(plain, sizeW, 2), desc.weights_desc()));
      arguments.put(DNNL_ARG_DIFF_SRC, new memory(x, cpu, result));
      return new Call(new convolution_backward_data(desc), arguments, result, () -> {});
    }
    convolution_backward_weights.primitive_desc desc =
        new convolution_backward_weights.primitive_desc(
            cpu, direct, x, any, y, one, one, one, forward);
    FloatPointer result = new FloatPointer(sizeW);
    memory unpacked = new memory(plain, cpu, result);
    memory gradient = new memory(desc.diff_weights_desc(), cpu);
    arguments.put(DNNL_ARG_SRC, filled(x, sizeX, 1));
    arguments.put(DNNL_ARG_DIFF_WEIGHTS, gradient);
    return new Call(
        new convolution_backward_weights(desc),
        arguments,
        result,
        () -> new reorder(gradient, unpacked).execute(queue, gradient, unpacked));
  }

  private memory filled(memory.desc layout, int count, long seed) {
    return new memory(layout, cpu, new FloatPointer(Inputs.normal(count, seed)));
  }

  private memory packed(memory from, memory.desc layout) {
    memory to = new memory(layout, cpu);
    new reorder(from, to).execute(queue, from, to);
    queue._wait();
    return to;
  }

  /** A primitive with its operands, and what brings its result into the common layout. */
  private final class Call implements Kernel {
    private final primitive operation;
    private final IntMemoryMap arguments;
    private final FloatPointer result;
    private final Runnable unpack;

    Call(primitive operation, IntMemoryMap arguments, FloatPointer result, Runnable unpack) {
      this.operation = operation;
      this.arguments = arguments;
      this.result = result;
      this.unpack = unpack;
    }

    @Override
    public void run() {
      operation.execute(queue, arguments);
      queue._wait();
    }

    @Override
    public float[] result() {
      unpack.run();
      queue._wait();
      float[] values = new float[(int) Math.min(SHOWN, result.limit())];
      result.get(values);
      return values;
    }

    @Override
    public void close() {
      arguments.close();
    }
  }
}
