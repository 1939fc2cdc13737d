package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import dev.halfstep.internal.StepState;
import dev.halfstep.kernel.KernelCall.Form;
import dev.halfstep.kernel.KernelCall.Given;
import dev.halfstep.kernel.KernelCase.Operand;
import dev.halfstep.kernel.KernelCase.Use;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every kernel, in every form in which it can be called: all give the same results. */
@Tag("sim")
class KernelFormsTest {
  /** Sizes from 1 to 4, for which each kernel can be built. */
  private static KernelCase.Sizes sizes(SplittableRandom random) {
    return new KernelCase.Sizes() {
      @Override
      public long size() {
        return random.nextInt(1, 5);
      }

      @Override
      public DType storage() {
        return DType.F32;
      }
    };
  }

  private static KernelCase make(String name, KernelCase.Maker maker) {
    IllegalArgumentException last = null;
    for (long seed = 0; seed < 1000; seed++) {
      try {
        KernelCase made = maker.make(sizes(new SplittableRandom(seed)));
        if (!name.startsWith("BatchNorm") || made.operands().get(0).count() >= 8) {
          return made;
        }
      } catch (IllegalArgumentException impossible) {
        last = impossible;
      }
    }
    throw new AssertionError(name, last);
  }

  private static byte[] values(Operand operand, int seed) {
    ByteBuffer bytes = Values.bytes((int) operand.count() * operand.type().bytes());
    float[] wave = Values.wave((int) operand.count(), seed);
    switch (operand.type()) {
      case I32 -> Arrays.stream(toInts(wave)).forEach(bytes::putInt);
      case U8 -> {
        if (operand.use() == Use.STATE) { // what a new one is, with weight 1
          bytes.putDouble(StepState.WEIGHT, 1).putFloat(StepState.LOSS_SCALE, 1);
        } else {
          Arrays.stream(toInts(wave)).forEach(value -> bytes.put((byte) value));
        }
      }
      default -> {
        for (float value : wave) {
          bytes.putFloat(Math.abs(value) + 0.1f);
        }
      }
    }
    byte[] result = new byte[bytes.capacity()];
    bytes.get(0, result);
    return result;
  }

  private static int[] toInts(float[] wave) {
    int[] ints = new int[wave.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = wave[i] > 0 ? 1 : 0; // an index that every small table has, but for one of one row
    }
    return ints;
  }

  /** What the written operands hold after the call in a form. */
  private static float[] results(KernelCase kernel, Form form, Device device) throws Exception {
    KernelCall call = new KernelCall(kernel, form, device);
    int seed = 0;
    for (Operand operand : kernel.operands()) {
      boolean unused = operand.count() == Long.MIN_VALUE;
      call.give(operand, unused ? null : values(operand, seed++));
    }
    call.run();
    call.assertIntact(true);
    float[] all = new float[0];
    for (Given one : call.given()) {
      boolean result = one.operand.use() == Use.WRITTEN && !one.operand.name().equals("workspace");
      if (result && one.before.length > 0) {
        all = join(all, floats(one.operand.type(), call.after(one)));
      }
    }
    call.close();
    return all;
  }

  private static float[] floats(DType type, byte[] bytes) {
    ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    float[] floats = new float[bytes.length / type.bytes()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] =
          switch (type) {
            case I32 -> values.getInt();
            case U8 -> values.get();
            default -> values.getFloat();
          };
    }
    return floats;
  }

  private static float[] join(float[] a, float[] b) {
    float[] joined = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, joined, a.length, b.length);
    return joined;
  }

  @Test
  void everyFormOfEveryKernelGivesTheSame() throws Exception {
    try (Device device = TestDevice.open()) {
      for (Map.Entry<String, KernelCase.Maker> entry : KernelCase.ALL.entrySet()) {
        KernelCase kernel = make(entry.getKey(), entry.getValue());
        String what = entry.getKey() + ": " + kernel.name();
        float[] arrays = results(kernel, Form.ARRAYS, device);
        assertArrayEquals(arrays, results(kernel, Form.BUFFERS, device), what);
        assertComputed(arrays, results(kernel, Form.TENSORS, device), what);
        assertComputed(arrays, results(kernel, Form.ADDRESSES, device), what);
      }
    }
  }

  /** Kernels that are static methods, which {@link KernelCase} does not know. */
  @Test
  void everyFormOfTheStaticKernelsGivesTheSame() {
    float[] x = Values.wave(5, 1);
    float[] expected = new float[5];
    try (Device device = TestDevice.open();
        Tensor from = device.tensor(Shape.of(5), x);
        Tensor to = device.zeros(DType.F32, Shape.of(5));
        Tensor halves = device.zeros(DType.BF16, Shape.of(5))) {
      Stream s = device.stream();
      FloatBuffer buffer = Values.direct(new float[5]);

      Elementwise.activation(Activation.GELU, x, expected);
      Elementwise.activation(Activation.GELU, DType.F32, Values.direct(x), buffer, 5);
      assertArrayEquals(expected, Values.array(buffer));
      Elementwise.activation(s, Activation.GELU, from, to);
      assertComputed(expected, to.toFloats());
      Elementwise.activation(s, Activation.GELU, DType.F32, 5, from.address(), to.address());
      assertComputed(expected, to.toFloats());

      Elementwise.activationGradient(Activation.TANH, x, x, expected);
      Elementwise.activationGradient(
          Activation.TANH, DType.F32, Values.direct(x), Values.direct(x), buffer, 5);
      assertArrayEquals(expected, Values.array(buffer));
      Elementwise.activationGradient(s, Activation.TANH, from, from, to);
      assertComputed(expected, to.toFloats());
      Elementwise.activationGradient(
          s, Activation.TANH, DType.F32, 5, from.address(), from.address(), to.address());
      assertComputed(expected, to.toFloats());

      short[] bits = new short[5];
      Elementwise.cast(x, DType.BF16, bits);
      Elementwise.cast(DType.BF16, bits, expected);
      ByteBuffer sixteen = Values.bytes(10);
      Elementwise.cast(DType.F32, Values.direct(x), DType.BF16, sixteen, 5);
      assertEquals(bits[4], sixteen.getShort(8));
      Elementwise.cast(s, from, halves);
      assertArrayEquals(expected, halves.toFloats());
      Elementwise.fill(s, halves, 0);
      Elementwise.cast(s, DType.F32, from.address(), DType.BF16, halves.address(), 5);
      assertArrayEquals(expected, halves.toFloats());

      Elementwise.fill(s, to, 7);
      assertEquals(7, to.toFloats()[4]);
      Elementwise.fill(s, DType.F32, to.address(), 5, 8);
      assertEquals(8, to.toFloats()[4]);
      Elementwise.copy(s, to, from);
      assertArrayEquals(x, to.toFloats());
      Elementwise.fill(s, to, 0);
      Elementwise.copy(s, to.address(), from.address(), 20);
      assertArrayEquals(x, to.toFloats());
    }
  }

  @Test
  void everyFormOfRandomNumbersGivesTheSame() {
    try (Device device = TestDevice.open();
        Tensor to = device.zeros(DType.F32, Shape.of(5))) {
      Stream s = device.stream();
      for (boolean normal : new boolean[] {true, false}) {
        float[] expected = new float[5];
        FloatBuffer buffer = Values.direct(new float[5]);
        if (normal) {
          Random.normal(expected, 1, 2, 0, 1);
          Random.normal(buffer, 1, 2, 0, 1);
          Random.normal(s, to, 1, 2, 0, 1);
        } else {
          Random.uniform(expected, 1, 2, 0, 1);
          Random.uniform(buffer, 1, 2, 0, 1);
          Random.uniform(s, to, 1, 2, 0, 1);
        }
        assertArrayEquals(expected, Values.array(buffer));
        assertComputed(expected, to.toFloats());
        Elementwise.fill(s, to, 0);
        if (normal) {
          Random.normal(s, to.address(), 5, 1, 2, 0, 1);
        } else {
          Random.uniform(s, to.address(), 5, 1, 2, 0, 1);
        }
        assertComputed(expected, to.toFloats());
      }
    }
  }

  @Test
  void everyFormOfTheGradientsChecksGivesTheSame() {
    float[] x = {3, 4, Float.NaN};
    GradientStatistics expected = GradientStatistics.of(x);
    assertEquals(5, expected.norm());
    assertEquals(expected, GradientStatistics.of(Values.direct(x), 3));
    HostStepState host = new HostStepState();
    host.weight(1);
    StepKernels.gradientCheck(Values.direct(3f, 4f), 2, host, 1, 0);
    assertEquals(5, host.gradientNorm());
    try (Device device = TestDevice.open();
        Tensor values = device.tensor(Shape.of(3), x);
        Tensor found = GradientStatistics.newTensor(device);
        Tensor state = StepKernels.newState(device)) {
      Stream s = device.stream();
      GradientStatistics.run(s, values, null, found);
      assertEquals(expected, GradientStatistics.read(found));
      GradientStatistics.run(s, 2, values.address(), 0, found.address());
      assertEquals(2, GradientStatistics.read(found).count());
      host.upload(state);
      for (boolean tensors : new boolean[] {true, false}) {
        if (tensors) {
          StepKernels.gradientCheck(s, values.slice(0, 2), state, 1, 0);
        } else {
          StepKernels.gradientCheck(s, 2, values.address(), state.address(), 1, 0);
        }
        HostStepState read = new HostStepState();
        read.download(state);
        assertEquals(5, read.gradientNorm());
      }
    }
  }

  @Test
  void infersFromBuffersOfStorageTypes() {
    assumeTrue(TestDevice.ID.equals("cpu"), "buffers are the CPU's");
    BatchNorm norm = BatchNorm.builder(2, 2).type(DType.BF16).eps(1e-9f).build();
    ByteBuffer x = Values.bytes(8);
    for (int bits : List.of(0x3f80, 0x4000, 0x4040, 0x4080)) { // 1, 2, 3, 4
      x.putShort((short) bits);
    }
    ByteBuffer y = Values.bytes(8);
    norm.infer(
        x.flip(),
        Values.direct(2f, 1f),
        Values.direct(0f, 1f),
        null,
        y,
        Values.direct(1f, 2f),
        Values.direct(1f, 4f));
    // (1 - 1) / 1 * 2, (2 - 2) / 2 + 1, (3 - 1) / 1 * 2, (4 - 2) / 2 + 1
    assertEquals(
        List.of((short) 0, (short) 0x3f80, (short) 0x4080, (short) 0x4000),
        List.of(y.getShort(0), y.getShort(2), y.getShort(4), y.getShort(6)));
  }
}
