/**
 * Networks as layers.
 *
 * <p>A {@link dev.halfstep.nn.Layer} is a function that adds to a graph: it takes a value, asks its
 * {@link dev.halfstep.nn.Scope} for the parameters that it needs, and returns a value. A
 * user-defined layer can be a lambda; it needs no backward pass, because the operations that it
 * adds have theirs. Layers hold no memory and may be shared: the same layer under two names has two
 * sets of parameters.
 *
 * <p>A {@link dev.halfstep.nn.Model} is a layer with the shape of a sample and the weights in host
 * memory. Names, shapes and initial values of parameters are PyTorch's. A {@link
 * dev.halfstep.nn.Network} has several inputs or outputs.
 *
 * <p>Layers can be described as data: {@link dev.halfstep.nn.LayerSpec} is the description, {@link
 * dev.halfstep.nn.Layers} makes layers from it, and {@link dev.halfstep.nn.SavedModel} is a model's
 * file, which is read without the code that built the model. A {@link dev.halfstep.nn.Predictor} is
 * a model on a device, shared by threads.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.nn;
