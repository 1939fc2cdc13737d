package dev.halfstep.kernel;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.halfstep.CommandList;
import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** The hot path allocates no Java object: less than a byte per call, averaged over many. */
class AllocationTest {
  private static final int CALLS = 20_000;
  private static final int SIZE = 4;
  private static final MatmulKernel PRODUCT = MatmulKernel.builder(SIZE, SIZE, SIZE).build();

  private static void assertAllocatesNothing(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = 0;
    for (int round = 0; round < 5; round++) { // the first rounds load classes and compile
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      bytes = threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertTrue(bytes < CALLS, bytes + " bytes in " + CALLS + " calls");
  }

  @Test
  void arrays() {
    float[] a = new float[SIZE * SIZE];
    float[] c = new float[SIZE * SIZE];
    assertAllocatesNothing(() -> PRODUCT.run(a, a, c));
  }

  @Test
  void directBuffers() {
    FloatBuffer a = Values.direct(new float[SIZE * SIZE]);
    FloatBuffer c = Values.direct(new float[SIZE * SIZE]);
    assertAllocatesNothing(() -> PRODUCT.run(a, a, c));
  }

  @Test
  void tensorsAddressesAndLists() {
    try (Device device = Device.open("noop")) {
      Stream stream = device.stream();
      Tensor a = device.zeros(DType.F32, Shape.of(SIZE, SIZE));
      Tensor c = device.zeros(DType.F32, Shape.of(SIZE, SIZE));
      assertAllocatesNothing(() -> PRODUCT.run(stream, a, a, c));
      long from = a.address();
      long to = c.address();
      assertAllocatesNothing(() -> PRODUCT.run(stream, from, from, to, 0, 0, 0));
      assertAllocatesNothing(() -> PRODUCT.run(null, from, from, to, 0, 0, 0));
      CommandList list = stream.capture(() -> PRODUCT.run(stream, a, a, c));
      assertAllocatesNothing(() -> stream.launch(list));
    }
  }
}
