/**
 * Optimizers for DJL (Deep Java Library): {@link dev.halfstep.djl.HalfstepOptimizer} makes them.
 *
 * <p>A DJL trainer hands its optimizer one parameter at a time, with its gradient. The optimizers
 * of this package update the parameter where PyTorch keeps it, in one pass over its memory, and
 * keep their moments in direct buffers of their own.
 */
@NullMarked
package dev.halfstep.djl;

import org.jspecify.annotations.NullMarked;
