/** The CUDA backend of Halfstep, found by dev.halfstep.bindings when it is there. */
module dev.halfstep.cuda {
  requires dev.halfstep.bindings;

  provides dev.halfstep.bindings.spi.NativeProvider with
      dev.halfstep.cuda.CudaPlugin;
}
