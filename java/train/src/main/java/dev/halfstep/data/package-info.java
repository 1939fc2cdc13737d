/**
 * The data that models are trained on.
 *
 * <p>A {@link dev.halfstep.data.Dataset} is {@link dev.halfstep.data.Features} and {@link
 * dev.halfstep.data.Targets} (class {@link dev.halfstep.data.Labels} or {@link
 * dev.halfstep.data.Values}) in host memory, each in one direct buffer, in the type they came in:
 * pixels stay bytes, and kernels normalise them while they gather a batch. It is immutable, and
 * slices share its memory.
 *
 * <p>Data come from arrays ({@code Features.of}, {@code Labels.of}), from files ({@link
 * dev.halfstep.data.Mnist}, {@link dev.halfstep.data.Idx}, {@link dev.halfstep.data.Csv}, whose
 * further files {@link dev.halfstep.data.CsvSamples} reads) or from code ({@link
 * dev.halfstep.data.Digits}, {@link dev.halfstep.data.RandomData}). Loaders check everything when
 * they load, and say in a {@link dev.halfstep.data.DataException} which file, line and column is
 * wrong; they return a {@link dev.halfstep.data.Split} into what is trained on and what is held
 * out.
 *
 * <p>Random numbers are counter-based ({@link dev.halfstep.random.Philox}), with a key for each
 * purpose ({@link dev.halfstep.random.RandomStream}). The {@link dev.halfstep.data.Order} of an
 * epoch is a pure function of seed and epoch.
 */
package dev.halfstep.data;
