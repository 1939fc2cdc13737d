/**
 * Optimizers, losses and loss scaling: immutable descriptions of how a step changes the weights.
 */
@NullMarked
package dev.halfstep.optim;

import org.jspecify.annotations.NullMarked;
