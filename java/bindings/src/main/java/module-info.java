/** JavaCPP's bindings of Halfstep's C ABI. For Halfstep itself: the API is in dev.halfstep. */
module dev.halfstep.bindings {
  requires transitive org.bytedeco.javacpp;

  exports dev.halfstep.bindings;
  exports dev.halfstep.bindings.spi;

  uses dev.halfstep.bindings.spi.NativeProvider;
}
