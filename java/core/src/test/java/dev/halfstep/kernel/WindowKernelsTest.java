package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Convolution, pooling, resizing: all forms give the same bits, and small cases have the right
 * values.
 */
@Tag("sim")
class WindowKernelsTest {
  private static final Shape X = Shape.of(2, 5, 6, 4);
  private static final Shape WEIGHTS = Shape.of(6, 3, 2, 2);

  /** conv(x, weights) by its definition, stride (2, 1), padding (1, 0), two groups. */
  private static float[] convolved(float[] x, float[] weights) {
    float[] y = new float[2 * 3 * 5 * 6];
    for (int i = 0; i < y.length; i++) {
      int k = i % 6;
      int q = i / 6 % 5;
      int p = i / 30 % 3;
      int n = i / 90;
      double sum = 0;
      for (int r = 0; r < 3; r++) {
        int h = 2 * p + r - 1;
        for (int s = 0; s < 2 && h >= 0 && h < 5; s++) {
          for (int c = 0; c < 2; c++) {
            int at = ((n * 5 + h) * 6 + q + s) * 4 + k / 3 * 2 + c;
            sum += x[at] * (double) weights[((k * 3 + r) * 2 + s) * 2 + c];
          }
        }
      }
      y[i] = (float) sum;
    }
    return y;
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * (double) b[i];
    }
    return sum;
  }

  @Test
  void convolutionAndItsGradientsInEveryForm() {
    Conv2dKernel.Builder spec = Conv2dKernel.builder(X, WEIGHTS).stride(2, 1).padding(1, 0);
    Conv2dKernel conv = spec.build();
    assertEquals(Shape.of(2, 3, 5, 6), conv.outputShape());
    float[] x = Values.wave(240, 1);
    float[] weights = Values.wave(72, 2);
    float[] dy = Values.wave(180, 3);
    float[] bias = Values.wave(6, 4);
    float[] y = new float[180];
    conv.run(x, weights, null, null, y);
    assertArrayEquals(convolved(x, weights), y, 1e-5f);
    float[] aux = new float[180];
    float[] activated = new float[180];
    spec.activation(Activation.RELU).build().run(x, weights, bias, aux, activated);
    for (int i = 0; i < 180; i++) {
      assertEquals(y[i] + bias[i % 6], aux[i], 1e-6f);
      assertEquals(Math.max(0, aux[i]), activated[i]);
    }

    Conv2dGradientKernel gradient = spec.buildGradient();
    float[] dx = new float[240];
    float[] dWeights = new float[72];
    float[] dBias = new float[6];
    gradient.input(dy, weights, 0, dx);
    gradient.weights(x, dy, 0, dWeights, dBias);
    // The convolution is linear in x and in the weights.
    assertEquals(dot(dy, y), dot(dx, x), 1e-4);
    assertEquals(dot(dy, y), dot(dWeights, weights), 1e-4);
    double sum = 0;
    for (int i = 5; i < 180; i += 6) {
      sum += dy[i];
    }
    assertEquals(sum, dBias[5], 1e-5);

    FloatBuffer yBuffer = Values.direct(new float[180]);
    FloatBuffer dxBuffer = Values.direct(new float[240]);
    FloatBuffer dWeightsBuffer = Values.direct(new float[72]);
    conv.run(Values.direct(x), Values.direct(weights), null, null, yBuffer);
    gradient.input(Values.direct(dy), Values.direct(weights), 0, dxBuffer);
    gradient.weights(Values.direct(x), Values.direct(dy), 0, dWeightsBuffer, null);
    assertArrayEquals(y, Values.array(yBuffer));
    assertArrayEquals(dx, Values.array(dxBuffer));
    assertArrayEquals(dWeights, Values.array(dWeightsBuffer));

    try (Device device = TestDevice.open()) {
      Stream s = device.stream();
      Tensor xs = device.tensor(X, x);
      Tensor ws = device.tensor(WEIGHTS, weights);
      Tensor ys = device.zeros(DType.F32, conv.outputShape());
      Tensor dys = device.tensor(conv.outputShape(), dy);
      Tensor dws = device.zeros(DType.F32, WEIGHTS);
      Tensor dbs = device.zeros(DType.F32, Shape.of(6));
      conv.run(s, xs, ws, null, null, ys);
      gradient.weights(s, xs, dys, 1, dws, dbs);
      gradient.input(s, dys, ws, 0, xs);
      assertComputed(y, ys.toFloats());
      assertComputed(dx, xs.toFloats());
      assertComputed(dWeights, dws.toFloats());
      assertComputed(dBias, dbs.toFloats());
      conv.run(s, xs.address(), ws.address(), 0, 0, ys.address());
      gradient.input(s, dys.address(), ws.address(), -1, xs.address());
      assertComputed(new float[240], xs.toFloats());
    }
  }

  @Test
  void convolutionsThatDoNotFitAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> Conv2dKernel.builder(Shape.of(5, 6, 4), WEIGHTS));
    assertThrows(
        IllegalArgumentException.class, () -> Conv2dKernel.builder(X, Shape.of(6, 3, 2, 3)));
    assertThrows(
        IllegalArgumentException.class, () -> Conv2dKernel.builder(X, Shape.of(5, 3, 2, 2)));
    assertThrows(
        IllegalArgumentException.class,
        () -> Conv2dKernel.builder(X, Shape.of(6, 6, 2, 2)).build());
    assertThrows(
        IllegalArgumentException.class,
        () -> Conv2dKernel.builder(X, WEIGHTS).stride(0, 1).build());
  }

  @Test
  void maximaAndTheirGradientInEveryForm() {
    Shape shape = Shape.of(1, 3, 4, 1);
    Pool2dKernel pool = Pool2dKernel.max(shape, 2, 2).stride(1, 2).build();
    assertEquals(Shape.of(1, 2, 2, 1), pool.outputShape());
    float[] x = {1, 5, 2, 2, 7, 0, 2, 1, 3, 8, 9, 2};
    float[] y = new float[4];
    byte[] index = new byte[4];
    pool.run(x, y, index);
    assertArrayEquals(new float[] {7, 2, 8, 9}, y);
    assertArrayEquals(new byte[] {2, 0, 3, 2}, index);
    float[] dx = new float[12];
    pool.gradient(new float[] {1, 2, 3, 4}, index, dx);
    assertArrayEquals(new float[] {0, 0, 2, 0, 1, 0, 0, 0, 0, 3, 4, 0}, dx);

    FloatBuffer yBuffer = Values.direct(new float[4]);
    FloatBuffer dxBuffer = Values.direct(new float[12]);
    ByteBuffer indexBuffer = Values.bytes(4);
    pool.run(Values.direct(x), yBuffer, indexBuffer);
    pool.gradient(Values.direct(1, 2, 3, 4f), indexBuffer, dxBuffer);
    assertArrayEquals(y, Values.array(yBuffer));
    assertArrayEquals(dx, Values.array(dxBuffer));
    try (Device device = TestDevice.open()) {
      Tensor xs = device.tensor(shape, x);
      Tensor ys = device.zeros(DType.F32, pool.outputShape());
      Tensor places = device.zeros(DType.U8, pool.outputShape());
      pool.run(device.stream(), xs, ys, places);
      assertComputed(y, ys.toFloats());
      pool.gradient(device.stream(), device.tensor(pool.outputShape(), 1f, 2, 3, 4), places, xs);
      assertComputed(dx, xs.toFloats());
    }
    assertThrows(
        IllegalArgumentException.class, () -> Pool2dKernel.max(shape, 2, 2).padding(2, 0).build());
    assertThrows(IllegalArgumentException.class, () -> Pool2dKernel.max(shape, 4, 1).build());
    float[] unused = new float[12];
    assertThrows(IllegalArgumentException.class, () -> pool.gradient(new float[4], null, unused));
  }

  @Test
  void averagesLeaveThePaddingOut() {
    Pool2dKernel pool =
        Pool2dKernel.average(Shape.of(1, 2, 2, 1), 2, 2).stride(2, 2).padding(1, 1).build();
    float[] y = new float[4];
    pool.run(new float[] {1, 2, 3, 4}, y, null);
    assertArrayEquals(new float[] {1, 2, 3, 4}, y, "each window holds one pixel");
    float[] dx = new float[4];
    Pool2dKernel.average(Shape.of(1, 2, 2, 1), 2, 2).build().gradient(new float[] {8}, null, dx);
    assertArrayEquals(new float[] {2, 2, 2, 2}, dx);
  }

  @Test
  void resizingInEveryForm() {
    Shape shape = Shape.of(1, 2, 2, 1);
    ResizeKernel resize = ResizeKernel.of(DType.F32, shape, 1, 4);
    assertEquals(Shape.of(1, 1, 4, 1), resize.outputShape());
    float[] y = new float[4];
    resize.run(new float[] {0, 8, 16, 24}, y);
    assertArrayEquals(new float[] {8, 10, 14, 16}, y);
    float[] dx = new float[4];
    resize.gradient(new float[] {1, 2, 4, 8}, dx);
    assertArrayEquals(new float[] {1.75f, 5.75f, 1.75f, 5.75f}, dx);
    FloatBuffer yBuffer = Values.direct(new float[4]);
    FloatBuffer dxBuffer = Values.direct(new float[4]);
    resize.run(Values.direct(0, 8, 16, 24f), yBuffer);
    resize.gradient(Values.direct(1, 2, 4, 8f), dxBuffer);
    assertArrayEquals(y, Values.array(yBuffer));
    assertArrayEquals(dx, Values.array(dxBuffer));
    try (Device device = TestDevice.open()) {
      Tensor x = device.tensor(shape, 0f, 8, 16, 24);
      Tensor out = device.zeros(DType.F32, resize.outputShape());
      resize.run(device.stream(), x, out);
      assertComputed(y, out.toFloats());
      resize.gradient(device.stream(), device.tensor(resize.outputShape(), 1f, 2, 4, 8), x);
      assertComputed(dx, x.toFloats());
    }
    assertThrows(IllegalArgumentException.class, () -> ResizeKernel.of(DType.F32, shape, 0, 4));
  }
}
