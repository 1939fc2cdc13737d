/** Devices, tensors and kernels on a CPU or a GPU. */
@SuppressWarnings("module") // dev.halfstep.train is not there when this module is compiled
module dev.halfstep {
  requires dev.halfstep.bindings;
  requires org.bytedeco.javacpp;
  requires org.slf4j;
  requires static jdk.jfr; // see FlightRecorder
  requires static org.jspecify;

  exports dev.halfstep;
  exports dev.halfstep.kernel;
  exports dev.halfstep.internal to
      dev.halfstep.train;

  uses dev.halfstep.bindings.spi.NativeProvider;
}
