/**
 * What every contender of the comparison shares: the works, their inputs, and how they are timed.
 * Nothing here needs more than the JDK, so that each peer is compiled with it.
 */
package dev.halfstep.benchmarks.harness;
