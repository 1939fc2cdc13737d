package dev.halfstep.kernel;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Fuzz;
import dev.halfstep.HalfstepException;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.TestDevice;
import dev.halfstep.kernel.KernelCall.Form;
import dev.halfstep.kernel.KernelCall.Given;
import dev.halfstep.kernel.KernelCase.Operand;
import dev.halfstep.kernel.KernelCase.Use;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random kernels of random sizes up to 2^63, with operands that are right, too short, null, closed,
 * of another type, byte order or device, with arbitrary bits. The call works, or throws one of its
 * documented exceptions and has written nothing. It never touches memory beside the operands.
 */
class HostileCallsFuzzTest {
  private static final long MOST_BYTES = 1 << 20;
  private static final long[] HOSTILE = {
    -1,
    1L << 31,
    (1L << 32) + 1,
    1L << 40,
    1L << 57,
    1L << 58,
    (1L << 58) + 1,
    1L << 61,
    (1L << 61) + 1,
    1L << 62,
    (1L << 62) + 1,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };
  private static final DType[] STORAGE = {DType.F32, DType.BF16, DType.F16};
  private static final Form[] FORMS = {Form.ARRAYS, Form.BUFFERS, Form.TENSORS};

  private long built;
  private long worked;

  @Test
  void aCallWorksOrIsRefusedAndTouchesNothingElse() {
    try (Device device = TestDevice.open();
        Device other = TestDevice.open();
        Tensor foreign = other.zeros(DType.F32, Shape.of(4))) {
      long cases = Fuzz.run("hostile kernel calls", random -> one(random, device, foreign));
      System.out.println("hostile kernel calls: " + built + " built, " + worked + " worked");
      assertTrue(cases < 200 || worked > cases / 50, worked + " of " + cases + " worked");
    }
  }

  private void one(SplittableRandom random, Device device, Tensor foreign) throws Exception {
    boolean wild = random.nextInt(3) == 0;
    boolean halves = random.nextInt(3) == 0;
    KernelCase.Sizes sizes =
        new KernelCase.Sizes() {
          @Override
          public long size() {
            if (wild && random.nextInt(4) == 0) {
              return HOSTILE[random.nextInt(HOSTILE.length)];
            }
            return random.nextInt(20) == 0 ? random.nextInt(300) : random.nextInt(6);
          }

          @Override
          public DType storage() {
            return halves ? STORAGE[random.nextInt(3)] : DType.F32;
          }
        };
    KernelCase kernel;
    try {
      kernel = KernelCase.random(random, sizes);
    } catch (IllegalArgumentException refused) {
      return;
    }
    built++;
    Form form = FORMS[random.nextInt(3)];
    if (form == Form.ARRAYS && !kernel.takesArrays()) {
      form = Form.BUFFERS;
    }
    call(random, new KernelCall(kernel, form, device), kernel, foreign);
  }

  private void call(SplittableRandom random, KernelCall call, KernelCase kernel, Tensor foreign)
      throws Exception {
    Form form = call.form();
    boolean careless = random.nextInt(2) == 0;
    boolean wrong = false;
    boolean missing = false;
    for (Operand operand : kernel.operands()) {
      boolean spoil = careless && random.nextInt(6) == 0;
      boolean left = operand.unused() || (operand.optional() && random.nextBoolean());
      long bytes = left ? 0 : operand.bytes();
      boolean impossible = !left && operand.count() > MOST_BYTES;
      if (spoil && !left && random.nextInt(3) == 0) {
        call.give(operand, null);
        missing |= !operand.optional();
        continue;
      }
      if (left) {
        call.give(operand, null);
        continue;
      }
      boolean shorter = impossible || (spoil && bytes > 0 && random.nextBoolean());
      int length =
          (int) (shorter ? random.nextLong(impossible ? 64 : operand.count()) : operand.count());
      Given one = call.give(operand, bits(random, operand, length * operand.type().bytes()));
      boolean state = operand.use() == Use.STATE && form != Form.TENSORS;
      wrong |= shorter && !state;
      if (spoil && !shorter && !state) {
        wrong |= spoil(random, one, form, foreign);
      }
    }
    try {
      call.run();
      if (wrong || missing) {
        fail("accepted a wrong operand: " + kernel.name() + " as " + form);
      }
      worked++;
      call.assertIntact(true);
    } catch (NullPointerException refused) {
      assertTrue(missing, () -> "nothing was null: " + refused);
      assertTrue(
          String.valueOf(refused.getMessage()).endsWith(" is null: it is not optional"),
          refused::toString);
      call.assertIntact(false);
    } catch (IllegalArgumentException | IllegalStateException | HalfstepException refused) {
      call.assertIntact(false);
    } finally {
      call.close();
    }
  }

  /**
   * Random bytes; numbers are often plausible, so that some indices are in range and others are
   * not.
   */
  private static byte[] bits(SplittableRandom random, Operand operand, int count) {
    byte[] bytes = new byte[count];
    if (operand.use() == Use.STATE) {
      return bytes;
    }
    if (random.nextInt(3) == 0) {
      random.nextBytes(bytes);
      return bytes;
    }
    ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    while (values.remaining() >= 4) {
      switch (operand.type()) {
        case F32 -> values.putFloat((float) random.nextDouble(-2, 2));
        case I32 ->
            values.putInt(random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(-1, 6));
        default -> values.putInt(random.nextInt() & 0x3f3f3f3f);
      }
    }
    return bytes;
  }

  /** Spoils an operand; returns whether a call must refuse it. */
  private static boolean spoil(SplittableRandom random, Given one, Form form, Tensor foreign) {
    @Nullable Object before = one.value;
    if (form == Form.BUFFERS) {
      Buffer buffer = (Buffer) before;
      ByteBuffer heap = ByteBuffer.allocate(one.before.length).order(ByteOrder.nativeOrder());
      ByteBuffer direct = Values.bytes(one.before.length + 8);
      switch (random.nextInt(4)) {
        case 0 -> one.value = KernelCall.view(heap, one.operand.type());
        case 1 -> one.value = direct.asLongBuffer();
        case 2 -> {
          one.value = direct.position(1); // for a buffer of bytes
          return one.operand.type().bytes() > 1;
        }
        default -> {
          one.value =
              KernelCall.view(direct.asReadOnlyBuffer().order(direct.order()), one.operand.type());
          return one.operand.written();
        }
      }
      return buffer != null;
    }
    if (form == Form.TENSORS) {
      Tensor tensor = (Tensor) before;
      switch (random.nextInt(3)) {
        case 0 -> one.value = foreign;
        case 1 -> {
          Tensor closed = tensor.device().empty(tensor.dtype(), tensor.shape());
          closed.close();
          one.value = closed;
        }
        default -> {
          long elements = tensor.shape().elements();
          one.value = tensor.slice(0, Math.max(0, elements - 1));
          return elements > 0;
        }
      }
      return true;
    }
    return false;
  }
}
