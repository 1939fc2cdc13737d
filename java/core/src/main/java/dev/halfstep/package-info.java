/**
 * Devices, their memory and their streams.
 *
 * <p><b>Start</b> with {@link dev.halfstep.Device}: {@code Device.open("auto")}. It gives {@link
 * dev.halfstep.Tensor}s and {@link dev.halfstep.Stream}s; {@code dev.halfstep.kernel} holds what
 * can be computed on them. Who only wants a fast kernel on its own arrays or buffers needs no
 * device: the kernels take {@code float[]} and direct buffers as well.
 *
 * <p><b>Who owns what.</b> A device owns all that came from it: closing it frees its tensors,
 * streams and {@link dev.halfstep.CommandList}s. A tensor made by a device owns its memory and is
 * closed for itself; slices and reshapes are views, which own nothing and end with it. A command
 * list keeps the memory of the tensors that it uses until it is closed. Nothing has to be closed in
 * an order; closing twice does nothing; what is used after its end throws an {@link
 * java.lang.IllegalStateException} that names it. What is lost without being closed is reported in
 * the log and taken back later.
 *
 * <p><b>Threads.</b> A stream belongs to one thread at a time: the one that made it, until it
 * releases the stream and another one adopts it; virtual threads own streams too. Tensors are
 * filled and copied on the device's default stream, so by the thread that opened the device.
 * Closing, and the making of empty tensors and of streams, may come from any thread: closing waits
 * for the call in progress on each stream. Kernels without a stream run on the CPU at once, from as
 * many threads as you like, and share one pool of threads, whose size does not change results.
 *
 * <p><b>Memory.</b> Tensors are dense and row-major and begin at multiples of 256 bytes; slices
 * begin where their rows do. On the CPU an address is an ordinary one. Raw addresses are not
 * checked anywhere.
 *
 * <p><b>Errors.</b> {@link java.lang.IllegalArgumentException} for what cannot be, {@link
 * java.lang.IllegalStateException} for the wrong time or thread, {@link
 * dev.halfstep.HalfstepException} for what the machine refused.
 */
@NullMarked
package dev.halfstep;

import org.jspecify.annotations.NullMarked;
