/**
 * Kernels as plain calls, for use by other libraries.
 *
 * <pre>{@code
 * MatmulKernel product = MatmulKernel.builder(m, n, k).activation(Activation.RELU).build(); // once
 * product.run(a, b, c);                                                         // float[], often
 * }</pre>
 *
 * <p>A class whose objects are kernels ends in {@code Kernel}; the others are values, such as
 * {@link dev.halfstep.kernel.Activation}, or have static methods alone, such as {@link
 * dev.halfstep.kernel.Copy}. A kernel object holds shapes and options, is immutable, may be shared
 * by threads, and needs no closing. Each has the same four forms of {@code run}:
 *
 * <ul>
 *   <li><b>Arrays</b>: on the CPU at once, from any thread, nothing copied. The garbage collector
 *       waits during the call, so this form is for calls of up to a few milliseconds. Arrays may be
 *       longer than needed.
 *   <li><b>Direct buffers</b>: on the CPU at once, from any thread, from position to limit, which
 *       do not change; in native byte order. Slices and views of direct buffers work as well. Heap
 *       buffers are refused, and so are buffers of a closed arena ({@code java.lang.foreign}); an
 *       arena must stay open during the call. Elements are aligned to their own size; 64 bytes are
 *       best.
 *   <li><b>Tensors</b>: on a stream of their device, checked for shape, type, device and being
 *       open; on a GPU asynchronous; can be recorded in a {@link dev.halfstep.CommandList}.
 *   <li><b>Addresses</b>: as tensors, but unchecked, apart from numbers below 4096, which are
 *       refused. A wrong address ends the process. The memory must live until the stream has
 *       finished the call, and as long as a command list that recorded it. With a null stream: on
 *       the CPU at once, from any thread.
 * </ul>
 *
 * <p>Where another method than {@code run} does the work ({@code gradient}, {@code train}, {@code
 * infer}), it has the same forms. Filling and copying take no arrays or buffers: Java does that
 * itself. The ends of steps ({@link dev.halfstep.kernel.StepKernels}) take addresses alone.
 *
 * <p><b>Sizes.</b> No operand has more than 2^58 elements, an extent of 0 counted as 1 ({@link
 * dev.halfstep.Shape#MAX_ELEMENTS}): a kernel of more is refused when it is built. Indices that a
 * caller gives (labels, tokens, orders, places of maxima) may hold anything: an index out of range
 * reads and writes nothing, and is reported if the kernel has a state.
 *
 * <p><b>Alignment.</b> Elements are aligned to their own size, which arrays always are; a buffer
 * that is not is refused, an address is not checked. Multiples of 64 bytes, where tensors begin,
 * are fastest.
 *
 * <p><b>Slices.</b> A slice of a tensor over its first dimension and a position in a buffer are as
 * good as the whole. Arrays are used from their beginning: to use a part of an array, copy it or
 * use a buffer.
 *
 * <p><b>Ownership and lifetimes.</b> Kernels do not own their operands and keep none of them after
 * the call, but a command list that recorded it keeps its tensors' memory until it is closed. A
 * tensor belongs to its device and lives until it, or the device, is closed; closing it waits for
 * calls in progress. A slice lives as long as the tensor that it is cut from. Buffers may be
 * dropped when the call returns. For addresses the caller is responsible for all this.
 *
 * <p><b>Threads.</b> A stream belongs to one thread at a time. Everything without a stream may be
 * called by any number of threads at once, on operands of their own.
 *
 * <p>Running allocates no Java object. Optional operands are null, or address 0. An output overlaps
 * no input unless the kernel says that it may. Results are bitwise the same on the same device,
 * whatever the form and the number of threads.
 */
@NullMarked
package dev.halfstep.kernel;

import org.jspecify.annotations.NullMarked;
