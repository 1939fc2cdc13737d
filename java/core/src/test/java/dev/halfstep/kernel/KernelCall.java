package dev.halfstep.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.kernel.KernelCase.ByAddress;
import dev.halfstep.kernel.KernelCase.Operand;
import dev.halfstep.kernel.KernelCase.Use;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A call of a {@link KernelCase} in one form. Each operand is between canaries; afterwards the
 * canaries, and all operands that the call only reads, must be unchanged.
 */
final class KernelCall {
  /** The forms in which operands are passed. */
  enum Form {
    ARRAYS,
    BUFFERS,
    TENSORS,
    ADDRESSES
  }

  private static final int GUARD = 64; // bytes
  private static final byte CANARY = (byte) 0xa5;

  /** One operand: its bytes, and the object that Java passes for it. */
  static final class Given {
    final Operand operand;
    final byte[] before;
    @Nullable Object value;
    private @Nullable ByteBuffer memory; // with the guards
    private @Nullable Tensor tensor; // of the whole memory, with the guards

    Given(Operand operand, byte[] before) {
      this.operand = operand;
      this.before = before;
    }
  }

  private final KernelCase kernelCase;
  private final Form form;
  private final Device device;
  private final List<Given> given = new ArrayList<>();
  private final List<Object> canaries = new ArrayList<>(); // arrays beside arrays

  KernelCall(KernelCase kernelCase, Form form, Device device) {
    this.kernelCase = kernelCase;
    this.form = form;
    this.device = device;
  }

  Form form() {
    return form;
  }

  List<Given> given() {
    return given;
  }

  /** Adds the next operand with these bytes; null: passes null. */
  Given give(Operand operand, byte @Nullable [] bytes) {
    Given one = new Given(operand, bytes == null ? new byte[0] : bytes);
    given.add(one);
    if (bytes == null) {
      one.value = form == Form.ADDRESSES ? (Object) 0L : null;
    } else if (operand.use() == Use.STATE && (form == Form.ARRAYS || form == Form.BUFFERS)) {
      HostStepState state = new HostStepState();
      state.weight(1);
      one.value = state;
    } else {
      switch (form) {
        case ARRAYS -> one.value = array(operand.type(), bytes);
        case BUFFERS -> one.value = buffer(one, bytes);
        case TENSORS -> one.value = tensor(one, bytes);
        default -> one.value = tensor(one, bytes).address();
      }
    }
    return one;
  }

  private Object array(DType type, byte[] bytes) {
    ByteBuffer values = ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.nativeOrder());
    canaries.add(filled(GUARD));
    Object array =
        switch (type) {
          case I32 -> {
            int[] ints = new int[bytes.length / 4];
            values.asIntBuffer().get(ints);
            yield ints;
          }
          case U8 -> bytes.clone();
          default -> {
            float[] floats = new float[bytes.length / 4];
            values.asFloatBuffer().get(floats);
            yield floats;
          }
        };
    canaries.add(filled(GUARD));
    return array;
  }

  private static byte[] filled(int count) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, CANARY);
    return bytes;
  }

  private static byte[] guarded(byte[] bytes) {
    byte[] all = filled(bytes.length + 2 * GUARD);
    System.arraycopy(bytes, 0, all, GUARD, bytes.length);
    return all;
  }

  private static Buffer buffer(Given one, byte[] bytes) {
    ByteBuffer memory = Values.bytes(bytes.length + 2 * GUARD + 8).put(0, guarded(bytes));
    one.memory = memory;
    return view(memory.slice(GUARD, bytes.length).order(memory.order()), one.operand.type());
  }

  static Buffer view(ByteBuffer bytes, DType type) {
    return switch (type) {
      case F32 -> bytes.asFloatBuffer();
      case I32 -> bytes.asIntBuffer();
      case BF16, F16 -> bytes.asShortBuffer();
      default -> bytes;
    };
  }

  private Tensor tensor(Given one, byte[] bytes) {
    int size = one.operand.type().bytes();
    Tensor whole = device.empty(one.operand.type(), Shape.of((bytes.length + 2L * GUARD) / size));
    one.tensor = whole;
    whole.upload(Values.bytes(bytes.length + 2 * GUARD).put(0, guarded(bytes)));
    return whole.slice(GUARD / size, (GUARD + bytes.length) / size);
  }

  /** Makes the call, and throws its exception. */
  void run() throws Exception {
    List<Class<?>> types = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    if (form == Form.TENSORS || form == Form.ADDRESSES) {
      types.add(Stream.class);
      values.add(device.stream());
    }
    int next = 0;
    for (Object argument : kernelCase.arguments()) {
      if (argument instanceof Operand operand) {
        types.add(typeOf(operand));
        values.add(given.get(next++).value);
      } else if (argument instanceof ByAddress other) {
        if (form == Form.ADDRESSES) {
          types.add(other.type());
          values.add(0);
        }
      } else {
        types.add(float.class);
        values.add(argument);
      }
    }
    Method method =
        kernelCase.kernel().getClass().getMethod(kernelCase.method(), types.toArray(Class[]::new));
    try {
      method.invoke(kernelCase.kernel(), values.toArray());
    } catch (InvocationTargetException thrown) {
      if (thrown.getCause() instanceof Exception exception) {
        throw exception;
      }
      throw (Error) thrown.getCause();
    }
    device.stream().synchronize();
  }

  private Class<?> typeOf(Operand operand) {
    if (operand.use() == Use.STATE && (form == Form.ARRAYS || form == Form.BUFFERS)) {
      return HostStepState.class;
    }
    return switch (form) {
      case ARRAYS ->
          switch (operand.type()) {
            case I32 -> int[].class;
            case U8 -> byte[].class;
            default -> float[].class;
          };
      case BUFFERS -> Buffer.class;
      case TENSORS -> Tensor.class;
      default -> long.class;
    };
  }

  /** The current bytes of an operand; asserts that its canaries are unchanged. */
  byte[] after(Given one) {
    if (one.operand.use() == Use.STATE && one.value instanceof HostStepState) {
      return one.before;
    }
    byte[] bytes = one.before.clone(); // an odd number of bytes fits no array of a 16-bit type
    ByteBuffer values = ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.nativeOrder());
    if (one.value instanceof float[] floats) {
      values.asFloatBuffer().put(floats);
    } else if (one.value instanceof int[] ints) {
      values.asIntBuffer().put(ints);
    } else if (one.value instanceof byte[] own) {
      values.put(own);
    } else if (one.tensor != null || one.memory != null) {
      byte[] all = new byte[bytes.length + 2 * GUARD];
      ByteBuffer memory = one.memory;
      if (one.tensor != null) {
        memory = Values.bytes(all.length);
        one.tensor.download(memory);
      }
      memory.get(0, all);
      assertArrayEquals(filled(GUARD), Arrays.copyOf(all, GUARD), "before " + one.operand);
      assertArrayEquals(
          filled(GUARD),
          Arrays.copyOfRange(all, GUARD + bytes.length, all.length),
          "behind " + one.operand);
      System.arraycopy(all, GUARD, bytes, 0, bytes.length);
    }
    return bytes;
  }

  /** Asserts that no canary was overwritten nor, unless {@code written}, an operand. */
  void assertIntact(boolean written) {
    for (Given one : given) {
      byte[] now = after(one);
      if (one.operand.use() == Use.IN || !written) {
        assertArrayEquals(one.before, now, () -> one.operand + " of " + kernelCase.name());
      }
    }
    for (Object canary : canaries) {
      assertArrayEquals(filled(GUARD), (byte[]) canary, kernelCase.name());
    }
    assertEquals(given.size(), kernelCase.operands().size());
  }

  /** Frees the tensors. */
  void close() {
    for (Given one : given) {
      if (one.tensor != null) {
        one.tensor.close();
      }
    }
  }
}
