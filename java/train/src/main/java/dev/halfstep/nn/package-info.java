/**
 * Networks as layers.
 *
 * <p>A {@link dev.halfstep.nn.Layer} is a function that adds to a graph: it takes a value, asks its
 * {@link dev.halfstep.nn.Scope} for the parameters that it needs, and returns a value. A layer of
 * one's own is a lambda; it has no backward to write, because the operations that it is made of
 * have theirs. Layers hold no memory and may be shared: the same layer under two names has two sets
 * of parameters.
 *
 * <p>A {@link dev.halfstep.nn.Model} is a layer with the shape of a sample, and the weights, in
 * host memory. Names, shapes and first values of parameters are PyTorch's. Several inputs or
 * outputs are a {@link dev.halfstep.nn.Network}.
 *
 * <p>Layers can be written down: {@link dev.halfstep.nn.LayerSpec} is the data, {@link
 * dev.halfstep.nn.Layers} makes layers of it, and {@link dev.halfstep.nn.SavedModel} is the file,
 * which needs no code to be read. A {@link dev.halfstep.nn.Predictor} is a model on a device,
 * shared by threads.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.nn;
