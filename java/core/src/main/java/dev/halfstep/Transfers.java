package dev.halfstep;

import static dev.halfstep.bindings.Native.hs_download;
import static dev.halfstep.bindings.Native.hs_upload;

import dev.halfstep.bindings.ArrayTransfers;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;

/** Copies between host memory and a tensor, on the default stream of its device. */
final class Transfers {
  private Transfers() {}

  /** A native copy, given the native stream and the tensor's address. */
  private interface Copy {
    int run(long stream, long address);
  }

  private static void run(Tensor tensor, Copy copy) {
    Stream stream = tensor.device().stream();
    long handle = stream.enter();
    try {
      Native.check(copy.run(handle, stream.use(tensor, "the tensor")));
    } finally {
      stream.exit();
    }
  }

  static void upload(Tensor tensor, float[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, to) -> ArrayTransfers.hs_upload(stream, to, values, tensor.bytes()));
  }

  static void upload(Tensor tensor, int[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, to) -> ArrayTransfers.hs_upload(stream, to, values, tensor.bytes()));
  }

  static void upload(Tensor tensor, byte[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, to) -> ArrayTransfers.hs_upload(stream, to, values, tensor.bytes()));
  }

  static void download(Tensor tensor, float[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, from) -> ArrayTransfers.hs_download(stream, values, from, tensor.bytes()));
  }

  static void download(Tensor tensor, int[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, from) -> ArrayTransfers.hs_download(stream, values, from, tensor.bytes()));
  }

  static void download(Tensor tensor, byte[] values) {
    requireCount(tensor, values.length);
    run(tensor, (stream, from) -> ArrayTransfers.hs_download(stream, values, from, tensor.bytes()));
  }

  static void upload(Tensor tensor, Buffer values) {
    long host = Operands.input(values, "the buffer", tensor.dtype(), tensor.shape().elements());
    requireBytes(tensor, values);
    run(tensor, (stream, to) -> hs_upload(stream, to, host, tensor.bytes()));
    Operands.keepAlive(values);
  }

  static void download(Tensor tensor, Buffer values) {
    long host = Operands.output(values, "the buffer", tensor.dtype(), tensor.shape().elements());
    requireBytes(tensor, values);
    run(tensor, (stream, from) -> hs_download(stream, host, from, tensor.bytes()));
    Operands.keepAlive(values);
  }

  private static void requireBytes(Tensor tensor, Buffer values) {
    long bytes =
        (long) values.remaining() * Operands.elementSize(values, "the buffer", tensor.dtype());
    if (bytes != tensor.bytes()) {
      throw new IllegalArgumentException(
          "the buffer holds "
              + bytes
              + " bytes from its position to its limit, but "
              + tensor
              + " has "
              + tensor.bytes()
              + ": set its limit");
    }
  }

  static void requireCount(Tensor tensor, long count) {
    if (count != tensor.shape().elements()) {
      throw new IllegalArgumentException(
          "there are "
              + count
              + " values, but "
              + tensor
              + " has "
              + tensor.shape().elements()
              + " elements");
    }
  }

  static void require(Tensor tensor, DType dtype, String given) {
    if (tensor.dtype() != dtype) {
      throw mismatch(tensor, given);
    }
  }

  static IllegalArgumentException mismatch(Tensor tensor, String given) {
    String suited =
        switch (tensor.dtype()) {
          case F32, BF16, F16 -> "float[]";
          case I32 -> "int[]";
          case U8 -> "byte[]";
          case I64 -> "a direct LongBuffer";
          case F64 -> "a direct DoubleBuffer";
        };
    return new IllegalArgumentException(
        given + " cannot be copied to or from " + tensor + ": use " + suited);
  }

  static int arrayLength(Tensor tensor) {
    if (tensor.shape().elements() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensor + " has more elements than an array can hold: download slices of it");
    }
    return (int) tensor.shape().elements();
  }
}
