/**
 * JMH benchmarks: training throughput against batch size, the cost of a call and of a step, and
 * what a step allocates.
 */
@NullMarked
package dev.halfstep.benchmarks;

import org.jspecify.annotations.NullMarked;
