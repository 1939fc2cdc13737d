/**
 * The commands {@code halfstep devices}, {@code plan}, {@code train} and others: options, progress
 * and output folders. Their files are written by {@link dev.halfstep.report}.
 *
 * <p>{@link dev.halfstep.cli.Main} starts {@code Cli}. {@code ExitStatus} has the exit statuses: 0
 * for success, 1 for a run that failed, 2 for bad use, 128 plus the signal's number for a run that
 * a signal ended. {@code RunOptions} holds the options that {@code plan} and {@code train} share
 * and checks all of them; its result is a {@code RunSetup}. Commands throw {@code UsageException}
 * for errors that the user can correct, before they do anything; every other exception is a
 * failure.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.cli;
