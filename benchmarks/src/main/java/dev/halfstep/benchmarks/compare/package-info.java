/**
 * The comparison: contenders run in processes of their own, in turn, round after round. Their
 * output becomes ratios with intervals, tables and figures.
 */
@NullMarked
package dev.halfstep.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
