/** Tensors, kernels, graphs, plans and layers on a CPU or a GPU. */
module dev.halfstep {
  requires dev.halfstep.bindings;
  requires org.bytedeco.javacpp;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.halfstep;
}
