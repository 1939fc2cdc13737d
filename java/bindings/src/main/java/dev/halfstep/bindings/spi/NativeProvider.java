package dev.halfstep.bindings.spi;

import java.net.URL;

/**
 * A jar that holds native libraries provides this service.
 *
 * <p>On the module path the service makes Java resolve the jar's module: no module requires it by
 * name, since its name depends on the platform, but this module uses the service. On the class path
 * the service finds the jar in whichever class loader holds it.
 */
public interface NativeProvider {
  /**
   * Finds a library that this jar may hold.
   *
   * @param fileName such as {@code libhalfstep_cuda.so}
   * @return where it is, or {@code null} when the jar does not hold it
   */
  URL find(String fileName);
}
