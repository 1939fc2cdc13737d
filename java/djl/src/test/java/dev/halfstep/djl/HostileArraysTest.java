package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.training.GradientCollector;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Arrays that a kernel cannot take as they are: right, or refused before anything has changed. */
class HostileArraysTest {
  private static final float[] START = {1, 2, 3, 4, 5, 6};
  private static final Shape SHAPE = new Shape(2, 3);

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final NDArray weight = manager.create(START, SHAPE);
  private final NDArray gradient = manager.create(new float[] {6, 5, 4, 3, 2, 1}, SHAPE);
  private final Optimizer sgd =
      HalfstepOptimizer.sgd().optLearningRateTracker(Tracker.fixed(1)).build();

  @AfterEach
  void close() {
    manager.close();
  }

  private void refused(
      Class<? extends RuntimeException> type, String message, NDArray w, NDArray g) {
    String said = assertThrows(type, () -> sgd.update("w", w, g)).getMessage();
    assertTrue(said.contains(message), said);
    assertArrayEquals(START, weight.toFloatArray(), "the weight has changed");
  }

  private void refused(String message, NDArray w, NDArray g) {
    refused(IllegalArgumentException.class, message, w, g);
  }

  @Test
  void otherTypesAreRefused() {
    for (DataType type : new DataType[] {DataType.FLOAT16, DataType.FLOAT64, DataType.INT32}) {
      refused("parameter w is of the type " + type, weight.toType(type, true), gradient);
      refused(
          "gradient of the parameter w is of the type " + type,
          weight,
          gradient.toType(type, true));
    }
  }

  @Test
  void closedArraysAreRefused() {
    NDArray closed = manager.create(START, SHAPE);
    closed.close();
    refused(IllegalStateException.class, "the parameter w is closed", closed, gradient);
    refused(IllegalStateException.class, "gradient of the parameter w is closed", weight, closed);
    sgd.update("v", manager.create(START, SHAPE), gradient);
    refused(IllegalStateException.class, "the parameter w is closed", closed, gradient);
  }

  @Test
  void nullsAreRefused() {
    refused(NullPointerException.class, "the parameter w is null", null, gradient);
    refused(NullPointerException.class, "gradient of the parameter w is null", weight, null);
  }

  @Test
  void otherShapesAreRefused() {
    refused("has the shape (3, 2), but the parameter has (2, 3)", weight, gradient.reshape(3, 2));
    refused("has the shape (3), but", weight, manager.create(new float[3]));
  }

  @Test
  void otherEnginesAreRefused() {
    NDArray other =
        PassthroughNDManager.INSTANCE.create(ByteBuffer.allocate(24), SHAPE, DataType.FLOAT32);
    refused(
        "parameter w is a ai.djl.util.passthrough.PassthroughNDArray, no tensor", other, gradient);
    refused("gradient of the parameter w is a ai.djl.util.passthrough.", weight, other);
  }

  /** No GPU is needed: the array only says that it is on one. */
  @Test
  void otherDevicesAreRefused() {
    NDArray onGpu = new OnGpu(weight);
    refused("parameter w is on gpu(0)", onGpu, gradient);
    refused("gradient of the parameter w is on gpu(0)", weight, onGpu);
  }

  private static final class OnGpu extends PtNDArray {
    OnGpu(NDArray of) {
      super((PtNDManager) of.getManager(), handleOfCopy(of));
    }

    /** The handle of a copy that no other array closes. */
    private static long handleOfCopy(NDArray of) {
      NDArray copy = of.duplicate();
      copy.detach();
      return ((PtNDArray) copy).getHandle();
    }

    @Override
    public Device getDevice() {
      return Device.gpu(0);
    }
  }

  @Test
  void parametersInAnotherOrderAreRefused() {
    NDArray transposed = manager.create(START, new Shape(3, 2)).transpose();
    int before = manager.getManagedArrays().size();
    refused("do not lie in memory one after the other", transposed, gradient);
    assertEquals(before, manager.getManagedArrays().size(), "arrays left behind");
    assertArrayEquals(new float[] {1, 3, 5, 2, 4, 6}, transposed.toFloatArray());
    NDArray column = manager.create(new float[12], new Shape(2, 6)).get(":, 0:3");
    refused("do not lie in memory one after the other", column, gradient);
  }

  @Test
  void anotherArrayOfTheSameParameterIsCheckedAgain() {
    sgd.update("w", manager.create(START, SHAPE), gradient);
    refused("do not lie in memory", manager.create(START, new Shape(3, 2)).transpose(), gradient);
    refused(
        "had 6 elements in the updates before and has 2",
        manager.zeros(new Shape(2)),
        manager.zeros(new Shape(2)));
  }

  @Test
  void sparseParametersAreRefused() {
    refused("parameter w is sparse", weight.toSparse(SparseFormat.COO), gradient);
  }

  @Test
  void ratesOutOfRangeAreRefused() {
    for (float rate : new float[] {Float.NaN, -1, Float.POSITIVE_INFINITY}) {
      for (Convention convention : Convention.values()) {
        Optimizer bad =
            HalfstepOptimizer.sgd()
                .optMomentum(0.9f)
                .optConvention(convention)
                .optLearningRateTracker(Tracker.fixed(rate))
                .build();
        String said =
            assertThrows(IllegalArgumentException.class, () -> bad.update("w", weight, gradient))
                .getMessage();
        assertTrue(said.contains("the learning rate " + rate + " for the parameter w"), said);
        assertArrayEquals(START, weight.toFloatArray());
      }
    }
  }

  /** A copy of the gradient in order is made and closed again. */
  @Test
  void gradientsInAnotherOrderAreRight() {
    NDArray transposed =
        manager.create(new float[] {6, 3, 5, 2, 4, 1}, new Shape(3, 2)).transpose();
    NDArray expanded = manager.create(new float[] {1, 1}, new Shape(2, 1)).broadcast(SHAPE);
    int before = manager.getManagedArrays().size();
    sgd.update("w", weight, transposed);
    assertArrayEquals(new float[] {-5, -3, -1, 1, 3, 5}, weight.toFloatArray());
    sgd.update("w", weight, expanded);
    assertArrayEquals(new float[] {-6, -4, -2, 0, 2, 4}, weight.toFloatArray());
    assertEquals(before, manager.getManagedArrays().size(), "arrays left behind");
    assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, transposed.toFloatArray());
  }

  /** PyTorch gives sparse gradients for the rows of an embedding. */
  @Test
  void sparseGradientsAreRight() {
    weight.setRequiresGradient(true);
    NDArray rows = manager.create(new long[] {1, 1});
    for (int step = 1; step <= 2; step++) {
      try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        NDArray taken =
            weight.getNDArrayInternal().embedding(rows, weight, SparseFormat.COO).get(0);
        collector.backward(taken.sum());
      }
      NDArray sparse = weight.getGradient();
      assertTrue(sparse.isSparse());
      int before = manager.getManagedArrays().size();
      sgd.update("w", weight, sparse);
      assertEquals(before, manager.getManagedArrays().size(), "arrays left behind");
      float[] expected = {1, 2, 3, 4 - 2 * step, 5 - 2 * step, 6 - 2 * step};
      assertArrayEquals(expected, weight.toFloatArray());
    }
  }

  @Test
  void parametersBeyondABufferAreRefused() {
    Shape shape = new Shape(1 << 29);
    NDArray large = manager.zeros(new Shape(1)).broadcast(shape); // one element in memory
    refused("has 536870912 elements", large, large);
  }

  @Test
  void clippingLeavesTheGradientAndNoArrays() {
    Optimizer clipping =
        HalfstepOptimizer.sgd()
            .optLearningRateTracker(Tracker.fixed(1))
            .optConvention(Convention.PYTORCH)
            .optClipGrad(2)
            .build();
    int before = manager.getManagedArrays().size();
    clipping.update("w", weight, gradient);
    assertArrayEquals(new float[] {-1, 0, 1, 2, 3, 5}, weight.toFloatArray());
    assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, gradient.toFloatArray());
    assertEquals(before, manager.getManagedArrays().size(), "arrays left behind");
  }

  /** PyTorch adds gradients up: an optimizer of DJL sets them to zero. */
  @Test
  void theGradientOfTheParameterIsZeroAfterwards() {
    weight.setRequiresGradient(true);
    for (int step = 1; step <= 2; step++) {
      try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
        collector.backward(weight.mul(2).sum());
      }
      NDArray grad = weight.getGradient();
      assertArrayEquals(new float[] {2, 2, 2, 2, 2, 2}, grad.toFloatArray());
      sgd.update("w", weight, grad);
      assertArrayEquals(new float[6], weight.getGradient().toFloatArray());
      assertEquals(START[0] - 2 * step, weight.toFloatArray()[0]);
    }
  }

  @Test
  void anEmptyParameterIsLeftAlone() {
    NDArray empty = manager.create(new Shape(0, 3));
    HalfstepOptimizer.adamW().build().update("w", empty, manager.create(new Shape(0, 3)));
    assertEquals(0, empty.size());
  }

  /** After set(...) an array of DJL lies in memory of Java. */
  @Test
  void memoryThatIsExchangedIsFollowed() {
    sgd.update("w", weight, gradient);
    weight.set(START.clone());
    sgd.update("w", weight, gradient);
    assertArrayEquals(new float[] {-5, -3, -1, 1, 3, 5}, weight.toFloatArray());
  }

  @Test
  void notANumberInAGradientReachesTheWeight() {
    sgd.update("w", weight, manager.full(SHAPE, Float.NaN));
    assertTrue(new NDList(weight).singletonOrThrow().isNaN().all().getBoolean());
  }
}
