/**
 * Kernels as plain calls, to be built into other libraries.
 *
 * <pre>{@code
 * Matmul product = Matmul.builder(m, n, k).activation(Activation.RELU).build(); // once
 * product.run(a, b, c);                                                         // float[], often
 * }</pre>
 *
 * <p>A kernel object holds shapes and options, is immutable, may be shared by threads, and needs no
 * closing. Each has the same four forms of {@code run}:
 *
 * <ul>
 *   <li><b>Arrays</b>: on the CPU at once, from any thread, nothing copied. The garbage collector
 *       waits during the call, so this form is for calls of up to a few milliseconds. Arrays may be
 *       longer than needed.
 *   <li><b>Direct buffers</b>: on the CPU at once, from any thread, from position to limit, which
 *       stay as they are; native byte order; slices and views of direct buffers are as good as
 *       buffers, heap buffers are refused. Elements are aligned to their own size; 64 bytes are
 *       best.
 *   <li><b>Tensors</b>: on a stream of their device, checked for shape, type, device and being
 *       open; on a GPU asynchronous; can be recorded in a {@link dev.halfstep.CommandList}.
 *   <li><b>Addresses</b>: as tensors, but unchecked: a wrong address ends the process, and memory
 *       must live until the stream has finished, or as long as a list that recorded it. With a null
 *       stream: on the CPU at once, from any thread.
 * </ul>
 *
 * <p>Running allocates no Java object. Optional operands are null, or address 0. An output overlaps
 * no input unless the kernel says that it may. Results are bitwise the same on the same device,
 * whatever the form and the number of threads.
 */
@NullMarked
package dev.halfstep.kernel;

import org.jspecify.annotations.NullMarked;
