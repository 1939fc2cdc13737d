/**
 * Training: losses, optimizers, the session that runs steps on a device, and what it reports.
 *
 * <p>A {@link dev.halfstep.session.TrainingSession} holds all that training changes, in device
 * memory: parameters, gradients, the optimizer's moments, counters, loss scale. A step is recorded
 * once for each batch size and launched with one call; what changes from step to step, the position
 * in the data and the learning rate, it reads from device memory. Losses and metrics are kept as
 * sums and weights, and divided once.
 *
 * <p>A {@link dev.halfstep.train.Trainer} runs a session over epochs: shuffled order, validation
 * after each, the best weights at the end. What a run has come to is in {@link
 * dev.halfstep.train.Fit}, which {@link dev.halfstep.train.Callback}s read; what it was is its
 * {@link dev.halfstep.train.History}. A {@link dev.halfstep.schedule.Schedule} is a pure function
 * of progress.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.train;
