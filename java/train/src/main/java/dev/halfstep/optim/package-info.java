/** Optimizers, losses and loss scaling: values that say how a step changes the weights. */
@NullMarked
package dev.halfstep.optim;

import org.jspecify.annotations.NullMarked;
