package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * An operation of a kernel with what it takes, so that tests can call it in every form. {@code
 * arguments} are {@link Operand}s and, between them, floats.
 */
record KernelCase(String name, Object kernel, String method, List<Object> arguments) {
  /** What a call does with an operand; the last is a state. */
  enum Use {
    READ,
    WRITTEN,
    STATE
  }

  /** An operand; {@code count} is what the shapes say, negative where no array has so many. */
  record Operand(String name, DType type, long count, Use use, boolean optional) {
    Operand asOptional() {
      return new Operand(name, type, count, use, true);
    }
  }

  /** Where sizes and types come from. */
  interface Sizes {
    long size();

    DType storage();
  }

  /** Makes one, or throws as the kernel's builder does. */
  interface Maker {
    KernelCase make(Sizes sizes);
  }

  /** All operations of kernels that are objects, by name. */
  static final Map<String, Maker> ALL = all();

  static KernelCase random(SplittableRandom random, Sizes sizes) {
    List<Maker> makers = List.copyOf(ALL.values());
    return makers.get(random.nextInt(makers.size())).make(sizes);
  }

  private static Operand read(String name, DType type, long... extents) {
    return new Operand(name, type, product(extents), Use.READ, false);
  }

  private static Operand written(String name, DType type, long... extents) {
    return new Operand(name, type, product(extents), Use.WRITTEN, false);
  }

  private static Operand state() {
    return new Operand("state", DType.U8, HostStepState.BYTES, Use.STATE, false);
  }

  private static long product(long... extents) {
    try {
      return Arrays.stream(extents).reduce(1, Math::multiplyExact);
    } catch (ArithmeticException overflow) {
      return -1;
    }
  }

  private static KernelCase of(String method, Object kernel, Object... arguments) {
    String name = kernel.getClass().getSimpleName() + "." + method + " of " + kernel;
    return new KernelCase(name, kernel, method, List.of(arguments));
  }

  private static int small(long size) {
    return (int) Math.max(-2, Math.min(size, Integer.MAX_VALUE));
  }

  private static Map<String, Maker> all() {
    Map<String, Maker> all = new TreeMap<>();
    for (String method : List.of("train", "infer", "gradient")) {
      all.put("BatchNorm." + method, s -> batchNorm(method, s.storage(), s.size(), s.size()));
    }
    all.put("Binary", s -> binary(s.storage(), s.size(), s.size()));
    for (String method : List.of("run", "input", "weights")) {
      all.put("Conv2d." + method, s -> conv2d(method, s));
    }
    all.put("CopyRows", s -> copyRows(s.storage(), s.size(), s.size(), s.size(), s.size()));
    all.put("CrossEntropy", s -> crossEntropy(s.storage(), s.size(), s.size()));
    all.put("Dropout", s -> dropout(s.storage(), s.size()));
    for (String method : List.of("run", "gradient")) {
      all.put(
          "Embedding." + method, s -> embedding(method, s.storage(), s.size(), s.size(), s.size()));
      all.put("GroupNorm." + method, s -> groupNorm(method, s));
      all.put("Pool2d.max." + method, s -> pool2d(method, true, s));
      all.put("Pool2d.average." + method, s -> pool2d(method, false, s));
      all.put("Reduce.sum." + method, s -> reduce(method, false, s));
      all.put("Reduce.max." + method, s -> reduce(method, true, s));
      all.put("Resize." + method, s -> resize(method, s));
      all.put("Softmax." + method, s -> softmax(method, s.storage(), s.size(), s.size()));
    }
    for (DType src : List.of(DType.F32, DType.U8)) {
      all.put("Gather." + src, s -> gather(src, s));
    }
    all.put("Matmul", s -> matmul(s.storage(), s.size(), s.size(), s.size()));
    all.put("Matmul.strided", KernelCase::stridedMatmul);
    for (int rule = 0; rule < 5; rule++) {
      int number = rule;
      all.put("OptimizerStep." + rule, s -> optimizer(number, s.size()));
    }
    all.put("Softmax.padded", s -> paddedSoftmax(s.storage(), s.size(), s.size(), s.size()));
    all.put("Permute", s -> permute(s.storage(), s.size(), s.size(), s.size()));
    all.put("PointwiseLoss", s -> pointwiseLoss(s.storage(), s.size(), s.size()));
    all.put("ScaleAdd", s -> scaleAdd(s.storage(), s.size()));
    return all;
  }

  private static KernelCase batchNorm(String method, DType t, long rows, long channels) {
    BatchNorm.Builder builder = BatchNorm.builder(rows, channels).type(t);
    Operand x = read("x", t, rows, channels);
    Operand y = written("y", t, rows, channels);
    Operand residual = read("residual", t, rows, channels).asOptional();
    Operand gamma = read("gamma", DType.F32, channels);
    Operand beta = read("beta", DType.F32, channels);
    return switch (method) {
      case "train" ->
          of(
              method,
              builder.build(),
              x,
              gamma,
              beta,
              residual,
              y,
              written("runningMean", DType.F32, channels),
              written("runningVariance", DType.F32, channels),
              written("savedMean", DType.F32, channels),
              written("savedInvstd", DType.F32, channels));
      case "infer" ->
          of(
              method,
              builder.build(),
              x,
              gamma,
              beta,
              residual,
              y,
              read("runningMean", DType.F32, channels),
              read("runningVariance", DType.F32, channels));
      default ->
          of(
              "run",
              builder.buildGradient(),
              read("dy", t, rows, channels),
              x,
              read("y", t, rows, channels).asOptional(),
              gamma,
              read("savedMean", DType.F32, channels),
              read("savedInvstd", DType.F32, channels),
              written("dx", t, rows, channels),
              written("dResidual", t, rows, channels).asOptional(),
              written("dGamma", DType.F32, channels),
              written("dBeta", DType.F32, channels),
              0.5f);
    };
  }

  private static KernelCase binary(DType t, long count, long factor) {
    long period = factor > 1 && count % factor == 0 ? count / factor : count;
    return of(
        "run",
        Binary.multiply(t, count, period),
        read("a", t, count),
        read("b", t, period),
        written("y", t, count));
  }

  private static KernelCase conv2d(String method, Sizes s) {
    DType t = s.storage();
    long channels = s.size();
    Shape x = Shape.of(s.size(), s.size(), s.size(), channels);
    Shape weights = Shape.of(s.size(), s.size(), s.size(), channels);
    Conv2d.Builder builder =
        Conv2d.builder(x, weights)
            .type(t)
            .stride(small(s.size()), small(s.size()))
            .padding(small(s.size()), small(s.size()))
            .dilation(small(s.size()), 1);
    Conv2d kernel = builder.build();
    Shape y = kernel.outputShape();
    long k = weights.dim(0);
    return switch (method) {
      case "run" ->
          of(
              method,
              kernel,
              read("x", t, x.toArray()),
              read("weights", t, weights.toArray()),
              read("bias", DType.F32, k).asOptional(),
              written("aux", t, y.toArray()).asOptional(),
              written("y", t, y.toArray()));
      case "input" ->
          of(
              method,
              builder.buildGradient(),
              read("dy", t, y.toArray()),
              read("weights", t, weights.toArray()),
              0.5f,
              written("dx", t, x.toArray()));
      default ->
          of(
              method,
              builder.buildGradient(),
              read("x", t, x.toArray()),
              read("dy", t, y.toArray()),
              0.5f,
              written("dWeights", DType.F32, weights.toArray()),
              written("dBias", DType.F32, k).asOptional());
    };
  }

  private static KernelCase copyRows(DType t, long rows, long columns, long more, long evenMore) {
    CopyRows kernel = CopyRows.of(t, rows, columns, columns + more, columns + evenMore);
    return of(
        "run",
        kernel,
        read("src", t, rows == 0 ? 0 : (rows - 1) * (columns + more) + columns),
        written("dst", t, rows == 0 ? 0 : (rows - 1) * (columns + evenMore) + columns));
  }

  private static KernelCase crossEntropy(DType t, long rows, long classes) {
    return of(
        "run",
        CrossEntropy.builder(rows, classes).type(t).labelSmoothing(0.1f).ignoreLabel(3).build(),
        read("logits", t, rows, classes),
        read("labels", DType.I32, rows),
        read("classWeights", DType.F32, classes).asOptional(),
        state().asOptional(),
        written("dLogits", t, rows, classes).asOptional(),
        written("rowLoss", DType.F32, rows).asOptional());
  }

  private static KernelCase dropout(DType t, long count) {
    return of(
        "run",
        Dropout.of(t, count, 0.5f, 7, 1),
        state(),
        read("x", t, count),
        written("y", t, count));
  }

  private static KernelCase embedding(String method, DType t, long tokens, long width, long count) {
    Embedding kernel = Embedding.of(t, tokens, width, count);
    return method.equals("run")
        ? of(
            method,
            kernel,
            read("table", t, tokens, width),
            read("tokens", DType.I32, count),
            state().asOptional(),
            written("y", t, count, width))
        : of(
            method,
            kernel,
            read("dy", t, count, width),
            read("tokens", DType.I32, count),
            0.5f,
            written("dTable", DType.F32, tokens, width),
            written("workspace", DType.I32, kernel.workspaceSize()));
  }

  private static KernelCase groupNorm(String method, Sizes s) {
    DType t = s.storage();
    long n = s.size();
    long positions = s.size();
    int groups = small(s.size());
    long channels = s.size() * groups;
    GroupNorm kernel = GroupNorm.builder(n, positions, channels, groups).type(t).build();
    Operand gamma = read("gamma", DType.F32, channels);
    return method.equals("run")
        ? of(
            method,
            kernel,
            read("x", t, n, positions, channels),
            gamma.asOptional(),
            read("beta", DType.F32, channels).asOptional(),
            written("y", t, n, positions, channels),
            written("savedMean", DType.F32, n, groups).asOptional(),
            written("savedInvstd", DType.F32, n, groups).asOptional())
        : of(
            method,
            kernel,
            read("dy", t, n, positions, channels),
            read("x", t, n, positions, channels),
            gamma.asOptional(),
            read("savedMean", DType.F32, n, groups),
            read("savedInvstd", DType.F32, n, groups),
            written("dx", t, n, positions, channels),
            written("dGamma", DType.F32, channels).asOptional(),
            written("dBeta", DType.F32, channels).asOptional(),
            0.5f);
  }

  private static KernelCase pool2d(String method, boolean max, Sizes s) {
    DType t = s.storage();
    Shape x = Shape.of(s.size(), s.size(), s.size(), s.size());
    int rows = small(s.size());
    int columns = small(s.size());
    Pool2d kernel =
        (max
                ? Pool2d.max(x, rows, columns)
                : s.size() % 2 == 0
                    ? Pool2d.paddedAverage(x, rows, columns)
                    : Pool2d.average(x, rows, columns))
            .type(t)
            .stride(small(s.size()), small(s.size()))
            .padding(Math.min(small(s.size()), rows - 1), Math.min(small(s.size()), columns - 1))
            .build();
    long[] y = kernel.outputShape().toArray();
    if (method.equals("run")) {
      Operand index = written("index", DType.U8, y);
      return of(
          method,
          kernel,
          read("x", t, x.toArray()),
          written("y", t, y),
          max ? index.asOptional() : unused(index));
    }
    Operand index = read("index", DType.U8, y);
    return of(
        method,
        kernel,
        read("dy", t, y),
        max ? neededUnlessEmpty(index) : unused(index),
        written("dx", t, x.toArray()));
  }

  private static Operand neededUnlessEmpty(Operand operand) {
    return operand.count == 0 ? operand.asOptional() : operand;
  }

  /** An operand that is null always: what it is for belongs to another form of the kernel. */
  private static Operand unused(Operand operand) {
    return new Operand(operand.name, operand.type, Long.MIN_VALUE, operand.use, true);
  }

  private static KernelCase reduce(String method, boolean max, Sizes s) {
    DType t = s.storage();
    long outer = s.size();
    long extent = s.size();
    long inner = s.size();
    Reduce kernel =
        (max ? Reduce.max(outer, extent, inner) : Reduce.sum(outer, extent, inner))
            .types(t, DType.F32)
            .build();
    if (method.equals("run")) {
      Operand index = written("index", DType.I32, outer, inner);
      return of(
          method,
          kernel,
          read("x", t, outer, extent, inner),
          written("y", DType.F32, outer, inner),
          max ? index.asOptional() : unused(index));
    }
    Operand index = read("index", DType.I32, outer, inner);
    return of(
        method,
        kernel,
        read("dy", DType.F32, outer, inner),
        max ? neededUnlessEmpty(index) : unused(index),
        written("dx", t, outer, extent, inner));
  }

  private static KernelCase resize(String method, Sizes s) {
    DType t = s.storage();
    Shape x = Shape.of(s.size(), s.size(), s.size(), s.size());
    Resize kernel = Resize.of(t, x, s.size(), s.size());
    long[] y = kernel.outputShape().toArray();
    return method.equals("run")
        ? of(method, kernel, read("x", t, x.toArray()), written("y", t, y))
        : of(method, kernel, read("dy", t, y), written("dx", t, x.toArray()));
  }

  private static KernelCase softmax(String method, DType t, long rows, long columns) {
    Softmax kernel = Softmax.builder(rows, columns).type(t).scale(0.5f).build();
    return method.equals("run")
        ? of(method, kernel, read("x", t, rows, columns), written("y", t, rows, columns))
        : of(
            method,
            kernel,
            read("dy", t, rows, columns),
            read("y", t, rows, columns),
            written("dx", t, rows, columns));
  }

  private static KernelCase paddedSoftmax(DType t, long samples, long queries, long columns) {
    long rows = product(samples, queries);
    Operand tokens = read("tokens", DType.I32, samples, columns);
    return of(
        "run",
        Softmax.builder(rows, columns).type(t).padding(samples, 1).build(),
        read("x", t, rows, columns),
        written("y", t, rows, columns),
        rows == 0 ? tokens.asOptional() : tokens);
  }

  private static KernelCase gather(DType src, Sizes s) {
    long rows = s.size();
    long rowSize = s.size();
    long batch = s.size();
    long order = s.size();
    DType dst = src == DType.F32 ? s.storage() : DType.F32;
    Gather kernel = Gather.builder(rows, rowSize, batch).types(src, dst).orderSize(order).build();
    return of(
        "run",
        kernel,
        read("src", src, rows, rowSize),
        read("order", DType.I32, order).asOptional(),
        state().asOptional(),
        read("scale", DType.F32, 1).asOptional(),
        read("shift", DType.F32, 1).asOptional(),
        written("dst", dst, batch, rowSize));
  }

  private static KernelCase matmul(DType t, long m, long n, long k) {
    Matmul kernel = Matmul.builder(m, n, k).types(t, DType.F32).transposeB(true).build();
    return of(
        "run",
        kernel,
        read("a", t, m, k),
        read("b", t, k, n),
        written("c", DType.F32, m, n),
        read("bias", DType.F32, n).asOptional(),
        written("aux", DType.F32, m, n).asOptional(),
        written("biasGrad", DType.F32, m).asOptional());
  }

  private static KernelCase stridedMatmul(Sizes s) {
    DType t = s.storage();
    long m = s.size();
    long n = s.size();
    long k = s.size();
    long batch = s.size();
    long lda = k + s.size();
    long strideA = s.size();
    Matmul kernel =
        Matmul.builder(m, n, k)
            .types(t, t)
            .leading(lda, n, n)
            .batch(batch, strideA, 0, m * n)
            .build();
    boolean empty = m == 0 || k == 0;
    return of(
        "run",
        kernel,
        read("a", t, empty ? 0 : (batch - 1) * strideA + (m - 1) * (lda == 0 ? k : lda) + k),
        read("b", t, k, n),
        written("c", t, m == 0 || n == 0 ? 0 : batch * m * n),
        read("bias", DType.F32, n).asOptional(),
        written("aux", t, m == 0 || n == 0 ? 0 : batch * m * n).asOptional(),
        unused(written("biasGrad", DType.F32, m)));
  }

  private static KernelCase optimizer(int rule, long count) {
    OptimizerStep.Builder builder =
        switch (rule) {
          case 0 -> OptimizerStep.sgd(count).momentum(0.9f, true);
          case 1 -> OptimizerStep.adamW(count);
          case 2 -> OptimizerStep.adam(count);
          case 3 -> OptimizerStep.lars(count);
          default -> OptimizerStep.lamb(count);
        };
    Operand moment2 = written("moment2", DType.F32, count);
    return of(
        "run",
        builder.build(),
        written("parameters", DType.F32, count),
        read("gradients", DType.F32, count),
        written("moment1", DType.F32, count),
        rule == 0 || rule == 3 ? unused(moment2) : moment2,
        state().asOptional());
  }

  private static KernelCase permute(DType t, long a, long b, long c) {
    return of(
        "run",
        Permute.of(t, Shape.of(a, b, c), 2, 0, 1),
        read("x", t, a, b, c),
        written("y", t, a, b, c));
  }

  private static KernelCase pointwiseLoss(DType t, long rows, long columns) {
    return of(
        "run",
        PointwiseLoss.squaredError(t, rows, columns, 0.5f),
        read("prediction", t, rows, columns),
        read("target", DType.F32, rows, columns),
        state().asOptional(),
        written("dPrediction", t, rows, columns).asOptional());
  }

  private static KernelCase scaleAdd(DType t, long count) {
    return of("run", ScaleAdd.of(t, count, 2, 0.5f), read("x", t, count), written("y", t, count));
  }

  /** The operands alone. */
  List<Operand> operands() {
    List<Operand> operands = new ArrayList<>();
    for (Object argument : arguments) {
      if (argument instanceof Operand operand) {
        operands.add(operand);
      }
    }
    return operands;
  }
}
