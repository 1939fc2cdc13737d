package dev.halfstep.kernel;

import static dev.halfstep.TestDevice.assertComputed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
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
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Calls every kernel of {@code native/kernels.txt} in every form: all forms give the same results,
 * and refuse invalid operands.
 */
@Tag("sim")
class KernelFormsTest {
  private static final byte POISON = (byte) 0xff; // read as floats: NaN

  /** Sizes from 1 to 4, with which each kernel can be built. */
  private static KernelCase.Sizes sizes(SplittableRandom random, DType storage) {
    return new KernelCase.Sizes() {
      @Override
      public long size() {
        return random.nextInt(1, 5);
      }

      @Override
      public DType storage() {
        return storage;
      }
    };
  }

  /** A kernel whose first operand has four elements or more. */
  private static KernelCase make(String name, KernelCase.Maker maker, DType storage) {
    IllegalArgumentException last = null;
    for (long seed = 0; seed < 1000; seed++) {
      try {
        KernelCase made = maker.make(sizes(new SplittableRandom(seed), storage));
        List<Operand> operands = made.operands();
        if (operands.get(operands.get(0).use() == Use.STATE ? 1 : 0).count() >= 4) {
          return made;
        }
      } catch (IllegalArgumentException impossible) {
        last = impossible;
      }
    }
    throw new AssertionError(name, last);
  }

  private interface Check {
    void of(KernelCase kernel, String what) throws Exception;
  }

  private static void forAllKernels(List<DType> storages, Check check) throws Exception {
    for (Map.Entry<String, KernelCase.Maker> entry : KernelCases.ALL.entrySet()) {
      for (DType storage : storages) {
        KernelCase kernel = make(entry.getKey(), entry.getValue(), storage);
        check.of(kernel, entry.getKey() + ": " + kernel.name());
      }
    }
  }

  /** The bytes of an operand before the call: positive numbers, indices 0 and 1, or poison. */
  private static byte[] values(Operand operand, int seed) {
    byte[] result = new byte[(int) operand.bytes()];
    if (operand.use() == Use.OUT) {
      Arrays.fill(result, POISON);
      return result;
    }
    int count = (int) operand.count();
    ByteBuffer bytes = Values.bytes(result.length);
    float[] wave = Values.wave(count, seed);
    switch (operand.type()) {
      case I32 -> Arrays.stream(toInts(wave)).forEach(bytes::putInt);
      case U8 -> {
        if (operand.use() == Use.STATE) { // a new state with weight 1
          bytes.putDouble(StepState.WEIGHT, 1).putFloat(StepState.LOSS_SCALE, 1);
        } else {
          Arrays.stream(toInts(wave)).forEach(value -> bytes.put((byte) value));
        }
      }
      case BF16, F16 -> {
        short[] halves = new short[count];
        CastKernel.of(DType.F32, operand.type(), count).run(positive(wave), halves);
        bytes.asShortBuffer().put(halves);
      }
      default -> bytes.asFloatBuffer().put(positive(wave));
    }
    bytes.get(0, result);
    return result;
  }

  private static float[] positive(float[] wave) {
    float[] positive = new float[wave.length];
    for (int i = 0; i < wave.length; i++) {
      positive[i] = Math.abs(wave[i]) + 0.1f;
    }
    return positive;
  }

  private static int[] toInts(float[] wave) {
    int[] ints = new int[wave.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = wave[i] > 0 ? 1 : 0; // an index in range for every table of two rows or more
    }
    return ints;
  }

  private static KernelCall call(KernelCase kernel, Form form, Device device) {
    KernelCall call = new KernelCall(kernel, form, device);
    int seed = 0;
    for (Operand operand : kernel.operands()) {
      call.give(operand, operand.unused() ? null : values(operand, seed++));
    }
    return call;
  }

  /** The contents of the written operands after a call in this form. */
  private static float[] results(KernelCase kernel, Form form, Device device) throws Exception {
    KernelCall call = call(kernel, form, device);
    call.run();
    call.assertIntact(true);
    float[] all = new float[0];
    for (Given one : call.given()) {
      boolean result = one.operand.written() && !one.operand.name().equals("workspace");
      if (result && one.before.length > 0) {
        byte[] after = call.after(one);
        if (one.operand.use() == Use.OUT) {
          assertWritten(after, one.operand);
        }
        all = join(all, floats(one.operand.type(), after));
      }
    }
    call.close();
    return all;
  }

  private static void assertWritten(byte[] bytes, Operand operand) {
    int size = operand.type().bytes();
    byte[] poison = new byte[size];
    Arrays.fill(poison, POISON);
    for (int at = 0; at < bytes.length; at += size) {
      assertNotEquals(
          0,
          Arrays.compare(bytes, at, at + size, poison, 0, size),
          operand + ": element " + at / size + " was not written");
    }
  }

  private static float[] floats(DType type, byte[] bytes) {
    ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    float[] floats = new float[bytes.length / type.bytes()];
    if (type == DType.BF16 || type == DType.F16) {
      short[] halves = new short[floats.length];
      values.asShortBuffer().get(halves);
      CastKernel.of(type, DType.F32, floats.length).run(halves, floats);
      return floats;
    }
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
    // With another order of sums, 16-bit results differ by more than floats: they are tested only
    // on the CPU.
    List<DType> storages =
        TestDevice.ID.equals("cpu")
            ? List.of(DType.F32, DType.BF16, DType.F16)
            : List.of(DType.F32);
    try (Device device = TestDevice.open()) {
      forAllKernels(
          storages,
          (kernel, what) -> {
            float[] buffers = results(kernel, Form.BUFFERS, device);
            assertComputed(buffers, results(kernel, Form.TENSORS, device), what);
            assertComputed(buffers, results(kernel, Form.ADDRESSES, device), what);
            if (kernel.takesArrays() && kernel.hasHalves()) {
              assertRefused(IllegalArgumentException.class, "", call(kernel, Form.ARRAYS, device));
            } else if (kernel.takesArrays()) {
              assertArrayEquals(buffers, results(kernel, Form.ARRAYS, device), what);
            }
          });
    }
  }

  private static void assertRefused(
      Class<? extends Exception> type, String words, KernelCall call) {
    Exception thrown = assertThrows(type, call::run);
    assertTrue(thrown.getMessage().contains(words), () -> thrown + " lacks: " + words);
    call.assertIntact(false);
    call.close();
  }

  private static List<Form> checkedForms(KernelCase kernel) {
    return kernel.takesArrays()
        ? List.of(Form.ARRAYS, Form.BUFFERS, Form.TENSORS)
        : List.of(Form.BUFFERS, Form.TENSORS);
  }

  /** A call with a changed operand {@code index}. */
  private static KernelCall changed(
      KernelCase kernel, Form form, Device device, int index, Consumer<Given> change) {
    KernelCall call = call(kernel, form, device);
    change.accept(call.given().get(index));
    return call;
  }

  @Test
  void everyFormRefusesOperandsThatAreMissing() throws Exception {
    try (Device device = TestDevice.open()) {
      forAllKernels(
          List.of(DType.F32),
          (kernel, what) -> {
            for (int i = 0; i < kernel.operands().size(); i++) {
              Operand operand = kernel.operands().get(i);
              if (operand.optional()) {
                continue;
              }
              for (Form form : checkedForms(kernel)) {
                assertRefused(
                    NullPointerException.class,
                    operand.name() + " is null: it is not optional",
                    changed(kernel, form, device, i, given -> given.value = null));
              }
              assertRefused(
                  IllegalArgumentException.class,
                  " is 0: it is not optional",
                  changed(kernel, Form.ADDRESSES, device, i, given -> given.value = 0L));
            }
          });
    }
  }

  @Test
  void everyFormRefusesOperandsThatAreTooShort() throws Exception {
    try (Device device = TestDevice.open()) {
      forAllKernels(
          List.of(DType.F32),
          (kernel, what) -> {
            for (Form form : checkedForms(kernel)) {
              for (Operand shorter : kernel.operands()) {
                if (shorter.unused() || shorter.use() == Use.STATE) {
                  continue;
                }
                KernelCall call = new KernelCall(kernel, form, device);
                int seed = 0;
                for (Operand operand : kernel.operands()) {
                  byte[] all = operand.unused() ? null : values(operand, seed++);
                  int less = operand.equals(shorter) ? operand.type().bytes() : 0;
                  call.give(operand, all == null ? null : Arrays.copyOf(all, all.length - less));
                }
                assertRefused(IllegalArgumentException.class, shorter.name() + " ", call);
              }
            }
          });
    }
  }

  @Test
  void tensorsThatAreClosedAndBuffersThatAreReadOnlyAreRefused() throws Exception {
    try (Device device = TestDevice.open()) {
      forAllKernels(
          List.of(DType.F32),
          (kernel, what) -> {
            for (int i = 0; i < kernel.operands().size(); i++) {
              Operand operand = kernel.operands().get(i);
              if (operand.unused()) {
                continue;
              }
              Tensor closed = device.empty(operand.type(), Shape.of(operand.count()));
              closed.close();
              assertRefused(
                  IllegalStateException.class,
                  "closed",
                  changed(kernel, Form.TENSORS, device, i, given -> given.value = closed));
              if (operand.written()) {
                ByteBuffer bytes = Values.bytes((int) operand.bytes());
                Buffer readOnly =
                    KernelCall.view(bytes.asReadOnlyBuffer().order(bytes.order()), operand.type());
                assertRefused(
                    IllegalArgumentException.class,
                    operand.name() + " is read-only",
                    changed(kernel, Form.BUFFERS, device, i, given -> given.value = readOnly));
              }
            }
          });
    }
  }

  /** The hand-written forms, which {@link KernelCases} does not contain. */
  @Test
  void fillsCopiesAndCastsOfShorts() {
    float[] x = Values.wave(5, 1);
    float[] expected = new float[5];
    try (Device device = TestDevice.open();
        Tensor from = device.tensor(Shape.of(5), x);
        Tensor to = device.zeros(DType.F32, Shape.of(5));
        Tensor halves = device.zeros(DType.BF16, Shape.of(5))) {
      Stream s = device.stream();
      short[] bits = new short[5];
      CastKernel.of(DType.F32, DType.BF16, 5).run(x, bits);
      CastKernel.of(DType.BF16, DType.F32, 5).run(bits, expected);
      CastKernel.of(DType.F32, DType.BF16, 5).run(s, from, halves);
      assertArrayEquals(expected, halves.toFloats());

      Copy.fill(s, to, 7);
      assertEquals(7, to.toFloats()[4]);
      Copy.fill(s, DType.F32, to.address(), 5, 8);
      assertEquals(8, to.toFloats()[4]);
      Copy.run(s, to, from);
      assertArrayEquals(x, to.toFloats());
      Copy.fill(s, to, 0);
      Copy.run(s, to.address(), from.address(), 20);
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
        Copy.fill(s, to, 0);
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
    BatchNormKernel norm = BatchNormKernel.builder(2, 2).type(DType.BF16).eps(1e-9f).build();
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
