/**
 * Studies of a training run: its learning rate, batch size, gradients and curves, and advice on
 * them.
 *
 * <p>{@link dev.halfstep.study.LearningRateFinder} and {@link dev.halfstep.study.LargestBatch} are
 * used before a run, {@link dev.halfstep.study.BatchSizeStudy} makes many runs, {@link
 * dev.halfstep.study.GradientProbe} and {@link dev.halfstep.study.NoiseScale} measure gradients,
 * {@link dev.halfstep.study.CurveAnalysis} analyses the curves of a run, and {@link
 * dev.halfstep.study.Advisor} finds mistakes. None of them changes a model's weights or draws from
 * a run's random numbers.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.study;
