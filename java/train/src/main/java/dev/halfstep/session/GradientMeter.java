package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.graph.Parameter;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.StepState;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.GradientNoise;
import java.util.List;
import java.util.Map;

/**
 * Measures gradients between steps. It uses its own state, and restores what a forward pass in
 * training changes, so that training is not affected.
 */
final class GradientMeter implements AutoCloseable {
  private final Device device;
  private final SessionMemory memory;
  private final List<Parameter> trained;
  private final boolean keepsStatistics;
  private final Tensor state;
  private final HostMemory host;
  private final Tensor statistics;
  private double lastUnits; // the weight that the last step's backward pass assumed
  private boolean probed; // the current gradients are those of noise(), not of a step
  private double probedMultiplier;

  GradientMeter(Device device, SessionOptions options, SessionMemory memory) {
    this.device = device;
    this.memory = memory;
    List<Parameter> all = options.model().parameters().list();
    trained = all.stream().filter(p -> p.role() == Parameter.Role.TRAINED).toList();
    keepsStatistics = all.stream().anyMatch(p -> p.role() == Parameter.Role.STATE);
    state = device.empty(DType.U8, Shape.of(StepState.BYTES)).label("gradient meter");
    host = new HostMemory(device, StepState.BYTES);
    statistics =
        device
            .empty(DType.U8, Shape.of(Math.max(1, trained.size()), GradientStatistics.BYTES))
            .label("gradient statistics");
  }

  /** Notes that the arena now holds gradients of a step whose backward pass assumed this weight. */
  void stepped(long units) {
    lastUnits = units;
    probed = false;
  }

  /** The factor that turns the current gradients into those of a mean loss. */
  private double multiplier(StepRecord last) {
    return probed ? probedMultiplier : multiplier(lastUnits, last.weight(), last.lossScale());
  }

  /** The gradients of the last step's mean loss. */
  float[] gradients(StepRecord last) {
    float multiplier = (float) multiplier(last);
    float[] gradients = memory.gradients();
    if (multiplier != 1) {
      for (int i = 0; i < gradients.length; i++) {
        gradients[i] *= multiplier;
      }
    }
    return gradients;
  }

  /** The statistics of {@link #gradients} over all trained parameters. */
  GradientStatistics statistics(StepRecord last) {
    double multiplier = multiplier(last);
    Stream stream = device.stream();
    for (int i = 0; i < trained.size(); i++) {
      Parameter parameter = trained.get(i);
      GradientStatistics.run(
          stream,
          parameter.shape().elements(),
          memory.gradientAddress(parameter),
          0,
          statistics.address() + i * GradientStatistics.BYTES);
    }
    stream.synchronize();
    double sum = 0;
    double magnitudes = 0;
    double squares = 0;
    double minimum = Double.POSITIVE_INFINITY;
    double maximum = Double.NEGATIVE_INFINITY;
    long count = 0;
    long nonfinite = 0;
    for (int i = 0; i < trained.size(); i++) {
      GradientStatistics part = GradientStatistics.read(statistics.slice(i, i + 1));
      sum += part.mean() * part.count();
      magnitudes += part.meanMagnitude() * part.count();
      squares += part.norm() * part.norm();
      if (part.count() > 0) {
        minimum = Math.min(minimum, part.minimum());
        maximum = Math.max(maximum, part.maximum());
      }
      count += part.count();
      nonfinite += part.nonfinite();
    }
    if (count == 0) {
      return new GradientStatistics(0, 0, 0, 0, 0, 0, 0, nonfinite);
    }
    double mean = sum / count;
    double variance = Math.max(0, squares / count - mean * mean);
    return new GradientStatistics(
        multiplier * mean,
        multiplier * magnitudes / count,
        multiplier * Math.sqrt(variance),
        multiplier * minimum,
        multiplier * maximum,
        multiplier * Math.sqrt(squares),
        count,
        nonfinite);
  }

  /**
   * Measures how the gradients of batches of these samples scatter at the current weights.
   *
   * @param samples at least two whole batches, each sample once
   * @param lossScale the scale of the loss, for gradients in F16
   */
  GradientNoise noise(
      DeviceData onDevice, Dataset data, int[] samples, int batchSize, float lossScale) {
    probed = true;
    float[] weights = keepsStatistics ? memory.download() : new float[0];
    try {
      return scatter(onDevice, data, samples, batchSize, lossScale);
    } finally {
      if (keepsStatistics) {
        memory.upload(weights);
      }
    }
  }

  private GradientNoise scatter(
      DeviceData onDevice, Dataset data, int[] samples, int batchSize, float lossScale) {
    Feed feed = onDevice.probe(samples, batchSize, Map.of("state", state.address()));
    host.buffer().clear();
    for (int i = 0; i < StepState.BYTES; i++) {
      host.buffer().put(i, (byte) 0);
    }
    host.buffer().putFloat(StepState.LOSS_SCALE, lossScale);
    host.upload(device.stream(), state.address(), 0, StepState.BYTES);
    int batches = samples.length / batchSize;
    double[] sum = new double[0];
    double squares = 0;
    double weightBefore = 0;
    for (int batch = 0; batch < batches; batch++) {
      feed.launch(device.stream(), (long) batch * batchSize, batchSize, 1);
      host.download(device.stream(), state.address(), 0, StepState.BYTES);
      StepErrors.check(StepState.error(host.buffer()));
      double weight = StepState.weight(host.buffer()) - weightBefore;
      weightBefore += weight;
      float[] gradients = memory.gradients();
      sum = batch == 0 ? new double[gradients.length] : sum;
      double multiplier = multiplier(units(data, batchSize), weight, lossScale);
      probedMultiplier = multiplier;
      double square = 0;
      for (int i = 0; i < gradients.length; i++) {
        double value = multiplier * gradients[i];
        sum[i] += value;
        square += value * value;
      }
      squares += square;
    }
    double ofSum = 0;
    for (double value : sum) {
      ofSum += value * value;
    }
    return GradientNoise.of(
        batchSize, squares / batches, batchSize * batches, ofSum / ((double) batches * batches));
  }

  /**
   * The factor that turns the gradients of a step into those of the mean loss; 0 if no row counted,
   * as in the update.
   *
   * @param units the weight that the backward pass assumed
   * @param weight the actual weight of the rows
   */
  private static double multiplier(double units, double weight, double lossScale) {
    return weight == 0 ? 0 : units / (weight * lossScale);
  }

  private static double units(Dataset data, int rows) {
    return (double) rows * BatchSource.unitsPerSample(data.form());
  }

  @Override
  public void close() {
    statistics.close();
    host.close();
    state.close();
  }
}
