package dev.halfstep.graph;

import static dev.halfstep.graph.OperationBench.parameter;
import static dev.halfstep.graph.OperationBench.state;

import dev.halfstep.Shape;
import dev.halfstep.kernel.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Small networks for gradient tests, at least one for each operation. */
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

  /** The value of a parameter; its gradient goes to the gradient arena. */
  static Value read(Graph graph, Parameter parameter) {
    return graph.parameter(parameter);
  }

  /** A value computed from a parameter; its gradient is in the activation arena. */
  static Value made(Graph graph, Parameter parameter) {
    return Ops.activation(graph.parameter(parameter), Activation.TANH);
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    addArithmetic(cases);
    addLossFunctions(cases);
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
    for (ElementwiseOp.Kind kind :
        List.of(ElementwiseOp.Kind.ADD, ElementwiseOp.Kind.SUBTRACT, ElementwiseOp.Kind.MULTIPLY)) {
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
    cases.add(new Case("scale", g -> Ops.scale(made(g, A), -1.5f), A));
    cases.add(new Case("dropout", g -> Ops.dropout(made(g, A), 0.3), A));
    cases.add(new Case("two dropouts", g -> Ops.dropout(Ops.dropout(read(g, A), 0.3), 0.3), A));
    for (Activation activation : Activation.values()) {
      boolean ofPositive = activation == Activation.SQRT || activation == Activation.LOG;
      float shift = ofPositive ? 2 : 0;
      cases.add(
          new Case(
              activation.name(),
              g -> Ops.activation(Ops.add(made(g, A), Ops.constant(g, shift)), activation),
              A));
    }
  }

  private static void addLossFunctions(List<Case> cases) {
    Parameter one = parameter("one", 1, 3, 5);
    for (Parameter second : List.of(B, one, MATRIX, VECTOR)) {
      cases.add(
          new Case(
              "divide by " + second.shape(),
              g -> Ops.divide(made(g, A), Ops.add(made(g, second), Ops.constant(g, 2))),
              A,
              second));
      // The values of A and B are on the same lattice; shifting B by half a step avoids equal
      // values.
      float shift = second.equals(B) ? 0.04f : 0;
      cases.add(
          new Case(
              "maximum with " + second.shape(),
              g -> Ops.maximum(read(g, A), Ops.add(read(g, second), Ops.constant(g, shift))),
              A,
              second));
      cases.add(
          new Case(
              "minimum with " + second.shape(),
              g -> Ops.minimum(read(g, A), Ops.add(read(g, second), Ops.constant(g, shift))),
              A,
              second));
    }
    cases.add(new Case("x / x^2", g -> reciprocal(Ops.add(made(g, A), Ops.constant(g, 2))), A));
    cases.add(
        new Case(
            "maximum of equal values", g -> Ops.maximum(Ops.scale(read(g, A), 1), read(g, A)), A));
    cases.add(
        new Case(
            "an array of constants",
            g -> Ops.multiply(made(g, A), Ops.constant(g, Shape.of(5), 1, 1, -2, 0.5f, 0.5f)),
            A));
    cases.add(
        new Case(
            "one over", g -> Ops.divide(Ops.constant(g, 1, A.shape()), Ops.exp(made(g, A))), A));
    cases.add(new Case("Huber's loss", g -> huber(Ops.scale(made(g, A), 2)), A));
  }

  private static Value reciprocal(Value x) {
    return Ops.divide(x, Ops.multiply(x, x));
  }

  /** x^2 / 2 where |x| < 1, else |x| - 1/2: with m = min(|x|, 1), m (|x| - m / 2). */
  private static Value huber(Value x) {
    Value size = Ops.abs(x);
    Value least = Ops.minimum(size, Ops.constant(x.graph(), 1));
    return Ops.multiply(least, Ops.subtract(size, Ops.scale(least, 0.5f)));
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
    cases.add(new Case("permute", g -> Ops.permute(made(g, A), 2, 0, 1), A));
    cases.add(new Case("transpose", g -> Ops.permute(read(g, MATRIX), 1, 0), MATRIX));
    for (int axis = -1; axis < 3; axis++) {
      int over = axis;
      cases.add(
          new Case(
              "concat " + axis,
              g -> Ops.concat(List.of(made(g, A), read(g, B), made(g, A)), over),
              A,
              B));
    }
    cases.add(
        new Case(
            "split",
            g -> {
              List<Value> parts = Ops.split(made(g, A), 2, 2, 1, 2);
              return Ops.multiply(parts.get(0), parts.get(2));
            },
            A));
    cases.add(new Case("split with a part unused", g -> Ops.split(made(g, A), 1, 1, 2).get(1), A));
    cases.add(
        new Case("split of a parameter", g -> Ops.split(read(g, MATRIX), 0, 2, 1).get(0), MATRIX));
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
              g -> Ops.matmul(made(g, a), read(g, b), ta, tb, 0.5f),
              a,
              b));
    }
    cases.add(
        new Case(
            "a matrix with itself", g -> Ops.matmul(made(g, A), made(g, A), false, true, 1), A));
    cases.add(new Case("softmax", g -> Ops.softmax(made(g, A), 1, false, null), A));
    cases.add(new Case("softmax, scaled", g -> Ops.softmax(made(g, A), 1.7f, false, null), A));
    cases.add(new Case("softmax, causal", g -> Ops.softmax(made(g, A), 0.8f, true, null), A));
  }

  private static Value batchNorm(
      Graph graph, Value x, Value gamma, Value residual, Activation activation) {
    return Ops.batchNorm(
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
            g -> Ops.layerNorm(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f),
            A,
            VECTOR,
            BETA));
    cases.add(
        new Case(
            "layer norm with a large eps",
            g -> Ops.layerNorm(made(g, A), read(g, VECTOR), read(g, BETA), 0.5f),
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
              g -> Ops.groupNorm(made(g, image), read(g, six), read(g, shift), groups, 1e-5f),
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
              return Ops.subtract(x, Ops.scale(x, 0.5f));
            },
            A));
    cases.add(new Case("x * x", g -> twice(made(g, A), ElementwiseOp.Kind.MULTIPLY), A));
    cases.add(new Case("p * p", g -> twice(read(g, A), ElementwiseOp.Kind.MULTIPLY), A));
    cases.add(
        new Case(
            "a value that five operations use",
            g -> {
              Value x = made(g, A);
              Value product = Ops.matmul(x, x, true, false, 1);
              Value shares = Ops.softmax(x);
              Value sum = Ops.add(Ops.multiply(x, shares), Ops.scale(x, 0.3f));
              return Ops.add(Ops.matmul(sum, product), x);
            },
            A));
    cases.add(
        new Case(
            "a gradient that two values share is added to in one of them",
            g -> {
              Value x = made(g, A);
              Value y = made(g, B);
              Value product = Ops.matmul(x, y, false, true, 1);
              return Ops.add(Ops.sum(product, 2), rowSums(x, y));
            },
            A,
            B));
    cases.add(
        new Case(
            "normalised twice with the same weights",
            g -> {
              Value once = Ops.layerNorm(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f);
              return Ops.layerNorm(
                  Ops.activation(once, Activation.TANH), read(g, VECTOR), read(g, BETA), 1e-5f);
            },
            A,
            VECTOR,
            BETA));
    cases.add(
        new Case(
            "normalised twice, with the scale of the first as the shift of the second",
            g -> {
              Value once = Ops.layerNorm(made(g, A), read(g, VECTOR), read(g, BETA), 1e-5f);
              Parameter third = parameter("third", 5);
              return Ops.layerNorm(
                  Ops.activation(once, Activation.TANH), read(g, third), read(g, VECTOR), 1e-5f);
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
            g -> Ops.conv2d(made(g, image), read(g, weight), read(g, bias), window, activation),
            image,
            weight,
            bias));
    cases.add(
        new Case(
            name + " of a parameter, without bias, with weights that are computed",
            g -> Ops.conv2d(read(g, image), made(g, weight), null, window, activation),
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
            "linear of parameters", g -> Ops.linear(read(g, A), read(g, matrix), null), A, matrix));
    cases.add(
        new Case(
            "two convolutions of one image with the same weights",
            g -> {
              Value x = made(g, image);
              Value y = Ops.conv2d(x, read(g, square), null, window);
              Value z = Ops.conv2d(x, read(g, square), null, window, Activation.GELU);
              return Ops.multiply(y, z);
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
    cases.add(new Case("resize up", g -> Ops.resize(made(g, image), 7, 5), image));
    cases.add(new Case("resize down", g -> Ops.resize(made(g, image), 2, 4), image));
  }

  private static Value twice(Value x, ElementwiseOp.Kind kind) {
    return ElementwiseOp.of(kind, x, x);
  }

  private static Value rowSums(Value x, Value y) {
    return Ops.sum(Ops.add(x, y), 2);
  }
}
