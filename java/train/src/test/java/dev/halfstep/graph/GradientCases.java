package dev.halfstep.graph;

import static dev.halfstep.graph.OperationBench.parameter;
import static dev.halfstep.graph.OperationBench.state;

import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Small networks, at least one of each operation, whose gradients are tested. */
final class GradientCases {
  static final Parameter A = parameter("a", 2, 3, 5);
  static final Parameter B = parameter("b", 2, 3, 5);
  static final Parameter VECTOR = parameter("vector", 5);
  static final Parameter BETA = parameter("beta", 5);
  static final Parameter MATRIX = parameter("matrix", 3, 5);
  static final Parameter MEAN = state("mean", 5);
  static final Parameter VARIANCE = state("variance", 5);

  private GradientCases() {}

  /** A network under test, and the parameters that it reads. */
  record Case(String name, Function<Graph, Value> network, List<Parameter> parameters) {
    Case(String name, Function<Graph, Value> network, Parameter... parameters) {
      this(name, network, List.of(parameters));
    }

    Parameter[] inputs() {
      return parameters.toArray(Parameter[]::new);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** A parameter as it is: its gradient goes to the gradient arena. */
  static Value read(Graph graph, Parameter parameter) {
    return graph.parameter(parameter);
  }

  /** A value computed from a parameter: its gradient lies in the activation arena. */
  static Value made(Graph graph, Parameter parameter) {
    return ActivationOp.of(graph.parameter(parameter), Activation.TANH);
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    addArithmetic(cases);
    addReductions(cases);
    addLayout(cases);
    addProducts(cases);
    addNormalisation(cases);
    addSharing(cases);
    addImages(cases);
    return cases;
  }

  private static void addArithmetic(List<Case> cases) {
    Parameter one = parameter("one", 1, 3, 5);
    for (ElementwiseOp.Kind kind : ElementwiseOp.Kind.values()) {
      for (Parameter second : List.of(B, one, MATRIX)) {
        cases.add(
            new Case(
                kind + " " + second.shape(),
                g -> ElementwiseOp.of(kind, made(g, A), made(g, second)),
                A,
                second));
      }
      cases.add(
          new Case(
              kind + " of parameters", g -> ElementwiseOp.of(kind, read(g, A), read(g, B)), A, B));
      cases.add(
          new Case(
              kind + " of a vector",
              g -> ElementwiseOp.of(kind, made(g, A), read(g, VECTOR)),
              A,
              VECTOR));
    }
    cases.add(new Case("scale", g -> ScaleOp.of(made(g, A), -1.5f), A));
    cases.add(new Case("dropout", g -> DropoutOp.of(made(g, A), 0.3), A));
    cases.add(new Case("two dropouts", g -> DropoutOp.of(DropoutOp.of(read(g, A), 0.3), 0.3), A));
    for (Activation activation : Activation.values()) {
      cases.add(new Case(activation.name(), g -> ActivationOp.of(made(g, A), activation), A));
    }
  }

  private static void addReductions(List<Case> cases) {
    for (ReduceOp.Kind kind : ReduceOp.Kind.values()) {
      for (int[] axes : new int[][] {{0}, {1}, {-1}, {0, 2}, {1, 2}, {2, 0, 1}}) {
        cases.add(
            new Case(
                kind + " " + Arrays.toString(axes), g -> ReduceOp.of(kind, made(g, A), axes), A));
      }
    }
  }

  private static void addLayout(List<Case> cases) {
    cases.add(new Case("permute", g -> PermuteOp.of(made(g, A), 2, 0, 1), A));
    cases.add(new Case("transpose", g -> PermuteOp.of(read(g, MATRIX), 1, 0), MATRIX));
    for (int axis = -1; axis < 3; axis++) {
      int over = axis;
      cases.add(
          new Case(
              "concat " + axis,
              g -> ConcatOp.of(List.of(made(g, A), read(g, B), made(g, A)), over),
              A,
              B));
    }
    cases.add(
        new Case(
            "split",
            g -> {
              List<Value> parts = SplitOp.of(made(g, A), 2, 2, 1, 2);
              return ElementwiseOp.multiply(parts.get(0), parts.get(2));
            },
            A));
    cases.add(new Case("split with a part unused", g -> SplitOp.of(made(g, A), 1, 1, 2).get(1), A));
    cases.add(
        new Case("split of a parameter", g -> SplitOp.of(read(g, MATRIX), 0, 2, 1).get(0), MATRIX));
  }

  private static void addProducts(List<Case> cases) {
    for (int i = 0; i < 4; i++) {
      boolean ta = i % 2 == 1;
      boolean tb = i > 1;
      Parameter a = ta ? parameter("left", 2, 2, 4, 3) : parameter("left", 2, 2, 3, 4);
      Parameter b = tb ? parameter("right", 2, 2, 5, 4) : parameter("right", 2, 2, 4, 5);
      cases.add(
          new Case(
              "matmul " + a.shape() + b.shape(),
              g -> MatmulOp.of(made(g, a), read(g, b), ta, tb, 0.5f),
              a,
              b));
    }
    cases.add(
        new Case(
            "a matrix with itself", g -> MatmulOp.of(made(g, A), made(g, A), false, true, 1), A));
    cases.add(new Case("softmax", g -> SoftmaxOp.of(made(g, A), 1, false), A));
    cases.add(new Case("softmax, scaled", g -> SoftmaxOp.of(made(g, A), 1.7f, false), A));
    cases.add(new Case("softmax, causal", g -> SoftmaxOp.of(made(g, A), 0.8f, true), A));
  }

  private static Value batchNorm(
      Graph graph, Value x, Value gamma, Value residual, Activation activation) {
    return BatchNormOp.of(
        x,
        gamma,
        read(graph, BETA),
        residual,
        read(graph, MEAN),
        read(graph, VARIANCE),
        activation,
        1e-5f,
        0.1f);
  }

  private static void addNormalisation(List<Case> cases) {
    for (Activation activation : List.of(Activation.NONE, Activation.RELU)) {
      cases.add(
          new Case(
              "batch norm " + activation,
              g -> batchNorm(g, made(g, A), read(g, VECTOR), null, activation),
              A,
              VECTOR,
              BETA,
              MEAN,
              VARIANCE));
      cases.add(
          new Case(
              "batch norm with a residual " + activation,
              g -> batchNorm(g, made(g, A), read(g, VECTOR), made(g, B), activation),
              A,
              B,
              VECTOR,
              BETA,
              MEAN,
              VARIANCE));
      cases.add(
          new Case(
              "batch norm of a parameter with itself as residual " + activation,
              g -> batchNorm(g, read(g, A), made(g, VECTOR), read(g, A), activation),
              A,
              VECTOR,
              BETA,
              MEAN,
              VARIANCE));
    }
    cases.add(
        new Case(
            "layer norm",
            g -> GroupNormOp.layer(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f),
            A,
            VECTOR,
            BETA));
    cases.add(
        new Case(
            "layer norm with a large eps",
            g -> GroupNormOp.layer(made(g, A), read(g, VECTOR), read(g, BETA), 0.5f),
            A,
            VECTOR,
            BETA));
    Parameter image = parameter("image", 2, 3, 2, 6);
    Parameter six = parameter("six", 6);
    Parameter shift = parameter("shift", 6);
    for (int groups : new int[] {1, 2, 3, 6}) {
      cases.add(
          new Case(
              "group norm " + groups,
              g -> GroupNormOp.of(made(g, image), read(g, six), read(g, shift), groups, 1e-5f),
              image,
              six,
              shift));
    }
  }

  private static void addSharing(List<Case> cases) {
    cases.add(new Case("x + x", g -> twice(made(g, A), ElementwiseOp.Kind.ADD), A));
    cases.add(
        new Case(
            "x - x / 2",
            g -> {
              Value x = made(g, A);
              return ElementwiseOp.subtract(x, ScaleOp.of(x, 0.5f));
            },
            A));
    cases.add(new Case("x * x", g -> twice(made(g, A), ElementwiseOp.Kind.MULTIPLY), A));
    cases.add(new Case("p * p", g -> twice(read(g, A), ElementwiseOp.Kind.MULTIPLY), A));
    cases.add(
        new Case(
            "a value that five operations use",
            g -> {
              Value x = made(g, A);
              Value product = MatmulOp.of(x, x, true, false, 1);
              Value shares = SoftmaxOp.of(x, 1, false);
              Value sum = ElementwiseOp.add(ElementwiseOp.multiply(x, shares), ScaleOp.of(x, 0.3f));
              return ElementwiseOp.add(MatmulOp.of(sum, product, false, false, 1), x);
            },
            A));
    cases.add(
        new Case(
            "a gradient that two values share is added to in one of them",
            g -> {
              Value x = made(g, A);
              Value y = made(g, B);
              Value product = MatmulOp.of(x, y, false, true, 1);
              return ElementwiseOp.add(ReduceOp.of(ReduceOp.Kind.SUM, product, 2), rowSums(x, y));
            },
            A,
            B));
    cases.add(
        new Case(
            "normalised twice with the same weights",
            g -> {
              Value once = GroupNormOp.layer(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f);
              return GroupNormOp.layer(
                  ActivationOp.of(once, Activation.TANH), read(g, VECTOR), read(g, BETA), 1e-5f);
            },
            A,
            VECTOR,
            BETA));
    cases.add(
        new Case(
            "normalised twice, with the scale of the first as the shift of the second",
            g -> {
              Value once = GroupNormOp.layer(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f);
              Parameter third = parameter("third", 5);
              return GroupNormOp.layer(
                  ActivationOp.of(once, Activation.TANH), read(g, third), read(g, VECTOR), 1e-5f);
            },
            A,
            VECTOR,
            BETA,
            parameter("third", 5)));
  }

  private static void addConvolution(
      List<Case> cases, Parameter image, Parameter weight, Window window, Activation activation) {
    Parameter bias = parameter("bias", weight.shape().dim(0));
    String name = "convolution " + window + " " + weight.shape() + " " + activation;
    cases.add(
        new Case(
            name,
            g -> Conv2dOp.of(made(g, image), read(g, weight), read(g, bias), window, activation),
            image,
            weight,
            bias));
    cases.add(
        new Case(
            name + " of a parameter, without bias, with weights that are computed",
            g -> Conv2dOp.of(read(g, image), made(g, weight), null, window, activation),
            image,
            weight));
  }

  private static void addImages(List<Case> cases) {
    Parameter image = parameter("image", 2, 4, 3, 2);
    Parameter square = parameter("square", 3, 3, 3, 2);
    Window window = Window.of(3, 3).padding(1, 1);
    for (Activation activation : List.of(Activation.NONE, Activation.GELU)) {
      addConvolution(cases, image, square, window, activation);
    }
    addConvolution(cases, image, square, window.stride(2, 1), Activation.NONE);
    Parameter flat = parameter("flat", 2, 1, 3, 2);
    addConvolution(cases, image, flat, Window.of(1, 3), Activation.NONE);
    addConvolution(cases, image, flat, Window.of(1, 3).padding(0, 2).dilation(2), Activation.NONE);
    Parameter grouped = parameter("grouped", 4, 2, 2, 1);
    addConvolution(cases, image, grouped, Window.of(2, 2).padding(1, 0), Activation.GELU);
    Parameter matrix = parameter("rows", 4, 5);
    cases.add(
        new Case(
            "linear of parameters",
            g -> LinearOp.of(read(g, A), read(g, matrix), null, Activation.NONE),
            A,
            matrix));
    cases.add(
        new Case(
            "two convolutions of one image with the same weights",
            g -> {
              Value x = made(g, image);
              Value y = Conv2dOp.of(x, read(g, square), null, window, Activation.NONE);
              Value z = Conv2dOp.of(x, read(g, square), null, window, Activation.GELU);
              return ElementwiseOp.multiply(y, z);
            },
            image,
            square));
    for (Pool2dOp.Kind kind : Pool2dOp.Kind.values()) {
      for (Window pool :
          List.of(
              Window.of(2, 2).stride(2, 2),
              Window.of(3, 2).stride(1, 2).padding(1, 1),
              Window.of(4, 3))) {
        cases.add(new Case(kind + " " + pool, g -> Pool2dOp.of(kind, made(g, image), pool), image));
      }
    }
    cases.add(new Case("resize up", g -> ResizeOp.of(made(g, image), 7, 5), image));
    cases.add(new Case("resize down", g -> ResizeOp.of(made(g, image), 2, 4), image));
  }

  private static Value twice(Value x, ElementwiseOp.Kind kind) {
    return ElementwiseOp.of(kind, x, x);
  }

  private static Value rowSums(Value x, Value y) {
    return ReduceOp.of(ReduceOp.Kind.SUM, ElementwiseOp.add(x, y), 2);
  }
}
