/**
 * Devices, their memory and their streams.
 *
 * <p><b>Start</b> with {@link dev.halfstep.Device}: {@code Device.open("auto")}. It gives {@link
 * dev.halfstep.Tensor}s and {@link dev.halfstep.Stream}s; {@code dev.halfstep.kernel} holds what
 * can be computed on them. A program that only wants a fast kernel on its own arrays or buffers
 * needs no device: the kernels take {@code float[]} and direct buffers as well.
 *
 * <p><b>Who owns what.</b> A device owns everything that it made: closing it frees its tensors,
 * streams and {@link dev.halfstep.CommandList}s. A tensor made by a device owns its memory and can
 * be closed alone; slices and reshapes are views, which own nothing and are closed with it. A
 * command list keeps the memory of the tensors that it uses until it is closed. They may be closed
 * in any order, and closing twice does nothing. Using one that is closed throws an {@link
 * java.lang.IllegalStateException} that names it. One that becomes unreachable without being closed
 * is reported in the log and freed later.
 *
 * <p><b>Threads.</b> A stream belongs to one thread at a time: the one that made it, until it
 * releases the stream and another one adopts it; virtual threads own streams too. Tensors are
 * filled and copied on the device's default stream, so by the thread that opened the device. Any
 * thread may close them, and make empty tensors and streams: closing waits for the call in progress
 * on each stream. Kernels without a stream run on the CPU at once, from as many threads as you
 * like, and share one pool of threads, whose size does not change results.
 *
 * <p><b>Memory.</b> Tensors are dense and row-major and begin at multiples of 256 bytes; slices
 * begin where their rows do. On the CPU an address is an ordinary one. Raw addresses are not
 * checked anywhere.
 *
 * <p><b>Errors.</b> {@link java.lang.IllegalArgumentException} for a wrong argument, {@link
 * java.lang.IllegalStateException} for a call at the wrong time or from the wrong thread, {@link
 * dev.halfstep.HalfstepException} for what the machine refused.
 */
@NullMarked
package dev.halfstep;

import org.jspecify.annotations.NullMarked;
