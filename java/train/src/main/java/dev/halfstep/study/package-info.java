/**
 * Studies of a training run: which learning rate, which batch size, what its gradients and curves
 * say, and what is advised.
 *
 * <p>{@link dev.halfstep.study.LearningRateFinder} and {@link dev.halfstep.study.LargestBatch} are
 * asked before a run, {@link dev.halfstep.study.BatchSizeStudy} makes many, {@link
 * dev.halfstep.study.GradientProbe} and {@link dev.halfstep.study.NoiseScale} measure gradients,
 * {@link dev.halfstep.study.CurveAnalysis} reads the curves of a run, and {@link
 * dev.halfstep.study.Advisor} names mistakes. None of them changes a model's weights or draws from
 * a run's random numbers.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.study;
