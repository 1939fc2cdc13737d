/**
 * What a network computes, before it runs.
 *
 * <p>A {@link dev.halfstep.graph.Graph} is built for one batch size and one storage type: {@link
 * dev.halfstep.graph.Value}s with static shapes, and the {@link dev.halfstep.graph.Operation}s that
 * make them, added by {@link dev.halfstep.graph.Ops}. An operation is one record, whose name ends
 * in {@code Op}: it checks shapes when it is made, and adds its kernel {@link
 * dev.halfstep.graph.Call}s when {@link dev.halfstep.graph.Calls} unrolls the graph forward and
 * backward ({@link dev.halfstep.graph.Backward}, reverse-mode differentiation). The calls, with
 * their values laid out in one arena by lifetimes ({@link dev.halfstep.graph.Planner}), are a
 * {@link dev.halfstep.graph.Plan}, which knows its bytes and FLOPs before it runs, and records
 * itself into a command list.
 *
 * <p>Storage: activations and the copies of weight matrices are in the graph's storage type (F32,
 * BF16 or F16); parameters, their gradients, biases, statistics and losses are always F32.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.graph;
