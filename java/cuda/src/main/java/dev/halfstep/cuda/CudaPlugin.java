package dev.halfstep.cuda;

import dev.halfstep.bindings.spi.NativeProvider;
import java.net.URL;

/** The jar with {@code libhalfstep_cuda.so}; a build without nvcc leaves it out. */
public final class CudaPlugin implements NativeProvider {
  @Override
  public URL find(String fileName) {
    return CudaPlugin.class.getResource("/dev/halfstep/cuda/linux-x86_64/" + fileName);
  }
}
