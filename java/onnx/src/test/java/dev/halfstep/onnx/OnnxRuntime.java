package dev.halfstep.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.halfstep.DType;
import dev.halfstep.graph.Parameter;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelInput;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Runs exported models in ONNX Runtime, and compares them with {@link Model#predict}. */
final class OnnxRuntime {
  static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();
  private static final int[] BATCHES = {1, 3, 8};
  private static final double TOLERANCE = 1e-5;

  private OnnxRuntime() {}

  /**
   * Exports a model and compares its outputs in batches of 1, 3 and 8 random samples.
   *
   * @return the largest difference
   */
  static double compare(Model model) throws OrtException {
    return compare(model, OnnxExport.of(model).toBytes());
  }

  static double compare(Model model, byte[] file) throws OrtException {
    double worst = 0;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = ENVIRONMENT.createSession(file, options)) {
        for (int batch : BATCHES) {
          Map<String, Object> samples = samples(model, batch);
          Map<String, float[]> wanted = model.predict(samples);
          Map<String, float[]> got = run(session, samples);
          assertEquals(wanted.keySet(), got.keySet());
          for (Map.Entry<String, float[]> each : wanted.entrySet()) {
            worst = Math.max(worst, difference(each.getValue(), got.get(each.getKey())));
          }
        }
      }
    }
    assertTrue(worst < TOLERANCE, "differs by " + worst);
    return worst;
  }

  /** The largest difference of two arrays of finite numbers. */
  static double difference(float[] wanted, float[] got) {
    assertEquals(wanted.length, got.length);
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      assertTrue(Float.isFinite(wanted[i]), "wanted " + wanted[i] + " at " + i);
      double difference = Math.abs((double) wanted[i] - got[i]);
      worst = Math.max(worst, Double.isNaN(difference) ? Double.MAX_VALUE : difference);
    }
    return worst;
  }

  /** The outputs of a session, whose inputs and outputs have the shapes that they are said to. */
  static Map<String, float[]> run(OrtSession session, Map<String, Object> samples)
      throws OrtException {
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    for (Map.Entry<String, Object> each : samples.entrySet()) {
      TensorInfo info = (TensorInfo) session.getInputInfo().get(each.getKey()).getInfo();
      long[] shape = info.getShape();
      assertEquals(-1, shape[0], "the batch of " + each.getKey());
      long elements = 1;
      for (int i = 1; i < shape.length; i++) {
        elements *= shape[i];
      }
      boolean tokens = each.getValue() instanceof int[];
      long count = tokens ? ((int[]) each.getValue()).length : ((float[]) each.getValue()).length;
      shape[0] = count / elements;
      inputs.put(
          each.getKey(),
          tokens
              ? OnnxTensor.createTensor(ENVIRONMENT, IntBuffer.wrap((int[]) each.getValue()), shape)
              : OnnxTensor.createTensor(
                  ENVIRONMENT, FloatBuffer.wrap((float[]) each.getValue()), shape));
    }
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (OrtSession.Result result = session.run(inputs)) {
      for (Map.Entry<String, ai.onnxruntime.OnnxValue> each : result) {
        OnnxTensor tensor = (OnnxTensor) each.getValue();
        TensorInfo said = (TensorInfo) session.getOutputInfo().get(each.getKey()).getInfo();
        long[] declared = said.getShape();
        long[] shape = tensor.getInfo().getShape();
        assertEquals(-1, declared[0], "the batch of " + each.getKey());
        declared[0] = shape[0];
        assertArrayEquals(declared, shape, each.getKey());
        FloatBuffer buffer = tensor.getFloatBuffer();
        float[] values = new float[buffer.remaining()];
        buffer.get(values);
        outputs.put(each.getKey(), values);
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
    return outputs;
  }

  /** Normally distributed numbers, and tokens, for each input of a model. */
  static Map<String, Object> samples(Model model, int batch) {
    Random random = new Random(batch);
    Map<String, Object> samples = new LinkedHashMap<>();
    for (ModelInput input : model.inputs()) {
      int count = batch * (int) input.shape().elements();
      if (input.type() == DType.I32) {
        int vocabulary = (int) model.vocabulary(input.name());
        samples.put(input.name(), random.ints(count, 0, vocabulary).toArray());
      } else {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = (float) random.nextGaussian();
        }
        samples.put(input.name(), values);
      }
    }
    return samples;
  }

  /**
   * Draws weights so that no parameter is 0 or 1 only, as biases and running statistics are at
   * first.
   */
  static Model drawn(Model model) {
    model.initialize(1);
    Random random = new Random(2);
    for (Parameter parameter : model.parameters().list()) {
      if (parameter.shape().rank() == 1) {
        float[] values = new float[(int) parameter.shape().elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = 0.5f + random.nextFloat();
        }
        model.set(parameter.name(), values);
      }
    }
    return model;
  }
}
