/** Halfstep's fused optimizers for the networks that DJL trains with its PyTorch engine. */
@SuppressWarnings("requires-transitive-automatic") // DJL has no module descriptors
module dev.halfstep.djl {
  exports dev.halfstep.djl;

  requires transitive ai.djl.api;
  requires ai.djl.pytorch_engine;
  requires dev.halfstep;
  requires dev.halfstep.bindings;
  requires static org.jspecify;
}
