package dev.halfstep.graph;

import dev.halfstep.Stream;
import java.util.List;

/**
 * One kernel call of a plan.
 *
 * @param name layer and kernel, such as {@code fc1 linear dW}
 * @param reads the values that the kernel reads
 * @param writes the values that it writes
 * @param inPlace whether {@code writes[0]} may lie over {@code reads[0]}, element for element
 * @param bytes memory traffic: each value that is read or written counts once
 * @param flops floating-point operations, a multiply-add counted as two
 * @param kernel launches the kernel
 */
public record Call(
    String name,
    List<Value> reads,
    List<Value> writes,
    boolean inPlace,
    long bytes,
    long flops,
    Kernel kernel) {

  /** Launches the kernel on a stream, or records it, with the addresses of a plan's values. */
  @FunctionalInterface
  public interface Kernel {
    void run(Stream stream, ValueAddresses at);
  }

  /** A call whose memory traffic is the size of all values that it reads and writes. */
  public static Call of(
      String name, List<Value> reads, List<Value> writes, long flops, Kernel kernel) {
    long bytes = 0;
    for (Value value : reads) {
      bytes += value.bytes();
    }
    for (Value value : writes) {
      bytes += value.bytes();
    }
    return new Call(name, List.copyOf(reads), List.copyOf(writes), false, bytes, flops, kernel);
  }

  /** The same call, allowed to write its first output over its first input. */
  public Call allowInPlace() {
    return new Call(name, reads, writes, true, bytes, flops, kernel);
  }

  /** The same call with another count of bytes, where a kernel touches part of a value. */
  public Call withBytes(long bytes) {
    return new Call(name, reads, writes, inPlace, bytes, flops, kernel);
  }
}
