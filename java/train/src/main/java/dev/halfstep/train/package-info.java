/**
 * Training over epochs: the trainer, its callbacks, budgets, early stopping, checkpoints and the
 * history of a run.
 *
 * <p>A {@link dev.halfstep.session.TrainingSession} holds all that training changes, in device
 * memory: parameters, gradients, the optimizer's moments, counters, loss scale. A step is recorded
 * once for each batch size and launched with one call; the step reads the values that change, the
 * position in the data and the learning rate, from device memory. Losses and metrics are kept as
 * sums and weights, and divided once.
 *
 * <p>A {@link dev.halfstep.train.Trainer} runs a session over epochs: shuffled order, validation
 * after each, the best weights at the end. {@link dev.halfstep.train.Callback}s read the state of a
 * run from {@link dev.halfstep.train.Fit}; its result is a {@link dev.halfstep.train.History}. A
 * {@link dev.halfstep.schedule.Schedule} is a pure function of progress.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.train;
