/**
 * The data that models are trained on.
 *
 * <p>A {@link dev.halfstep.data.Dataset} is {@link dev.halfstep.data.Features} and {@link
 * dev.halfstep.data.Targets} (class {@link dev.halfstep.data.Labels} or {@link
 * dev.halfstep.data.Values}) in host memory, each in one direct buffer, in the type of their
 * source: pixels stay bytes, and kernels normalise them while they gather a batch. It is immutable,
 * and slices share its memory.
 *
 * <p>Data come from arrays ({@code Features.of}, {@code Labels.of}), from files ({@link
 * dev.halfstep.data.Mnist}, {@link dev.halfstep.data.Idx}, {@link dev.halfstep.data.Csv}, whose
 * further files {@link dev.halfstep.data.CsvSamples} reads) or from code ({@link
 * dev.halfstep.data.Digits}, {@link dev.halfstep.data.RandomData}). Loaders check everything when
 * they load; a {@link dev.halfstep.data.DataException} names the file, line and column that is
 * wrong. They return a {@link dev.halfstep.data.Split} into training data and held-out data.
 *
 * <p>Random numbers are counter-based ({@link dev.halfstep.random.Philox}), with a key for each
 * purpose ({@link dev.halfstep.random.RandomStream}). The {@link dev.halfstep.data.Order} of an
 * epoch is a pure function of seed and epoch.
 */
package dev.halfstep.data;
