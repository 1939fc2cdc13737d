/**
 * The commands {@code halfstep devices}, {@code plan}, {@code train} and others: options, progress
 * and output folders. What they write is {@link dev.halfstep.report}'s.
 *
 * <p>{@link dev.halfstep.cli.Main} starts {@code Cli}. {@code ExitStatus} has the exit statuses: 0
 * for success, 1 for a run that failed, 2 for bad use, 128 plus the signal's number for a run that
 * a signal ended. {@code RunOptions} is what {@code plan} and {@code train} have in common, and the
 * one place where options are checked; what it makes of them is a {@code RunSetup}. Commands throw
 * {@code UsageException} for what the user can put right before anything has happened; every other
 * exception is a failure.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.cli;
