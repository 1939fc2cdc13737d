package dev.halfstep.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A group of works that one fork does. */
enum Group {
  /** Training of 1000-100-2. */
  MLP(0.3, "mlp/1", "mlp/8", "mlp/16", "mlp/32", "mlp/64", "mlp/128", "mlp/256", "mlp/1024"),
  /** Training of the convolutional network. */
  CNN(0.4, "cnn/1", "cnn/8", "cnn/64", "cnn/256"),
  /** Single kernels. */
  KERNELS(
      0.25,
      "matmul/1x1024",
      "matmul/64x128",
      "matmul/1024x32",
      "matmul/4096x16",
      "cross_entropy/64x1000",
      "cross_entropy/1024x1000",
      "cross_entropy/256x50257",
      "batch_norm/64x64x28",
      "conv/64x14x32x64",
      "conv_data/64x14x32x64",
      "conv_weights/64x14x32x64",
      "adamw/100000000"),
  /** From the start of the process to the end of its first training step. */
  START(1, "first_step/64"),
  /** Halfstep alone under unfavourable conditions. */
  ROBUST(
      0.3,
      "mlp/1",
      "mlp/64",
      "cnn/64",
      "matmul/64x128",
      "cross_entropy/1024x1000",
      "callers/1",
      "callers/4");

  private final double seconds;
  private final String works;

  Group(double seconds, String... works) {
    this.seconds = seconds;
    this.works = String.join(" ", works);
  }

  /** How long each work is measured. */
  double seconds() {
    return seconds;
  }

  /** The works of the group. */
  List<String> works() {
    return List.of(works.split(" ", -1));
  }

  /** The works of a quick comparison of a minute: all kinds, but fewer large sizes. */
  static List<String> quick() {
    List<String> quick = new ArrayList<>(MLP.works());
    quick.addAll(CNN.works());
    quick.addAll(KERNELS.works().subList(0, KERNELS.works().size() - 1));
    quick.add("adamw/10000000");
    return quick;
  }

  /** The name in files and options. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
