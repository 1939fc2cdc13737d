/** Metrics of an epoch of training, and its record. */
@NullMarked
package dev.halfstep.metric;

import org.jspecify.annotations.NullMarked;
