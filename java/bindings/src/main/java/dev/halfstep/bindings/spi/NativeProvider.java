package dev.halfstep.bindings.spi;

import java.net.URL;

/**
 * A jar that holds native libraries says so with this service.
 *
 * <p>It is what brings such a jar onto the module path: nothing requires its module by name, since
 * which one is there depends on the platform, but this module uses the service, so the module that
 * provides it is resolved with it. On the class path it finds the jar in whichever class loader
 * holds it.
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
