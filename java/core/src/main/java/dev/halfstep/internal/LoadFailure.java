package dev.halfstep.internal;

import dev.halfstep.HalfstepException;
import org.bytedeco.javacpp.Loader;

/** Says in one sentence why the native library could not be loaded, and what to do. */
final class LoadFailure {
  private LoadFailure() {}

  static HalfstepException explain(Throwable failure) {
    return new HalfstepException(
        HalfstepException.Status.NOT_LOADED,
        "Halfstep's native library could not be loaded: " + reason(failure),
        failure);
  }

  private static String reason(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      if (cause instanceof IllegalCallerException || text.contains("native access")) {
        return "this JVM denies native access; start it with --enable-native-access="
            + "org.bytedeco.javacpp,dev.halfstep.bindings (ALL-UNNAMED on the class path)";
      }
      if (text.contains("GLIBC")) {
        return text + "; glibc 2.34 and libstdc++ of GCC 11 or later are needed";
      }
    }
    String platform = Loader.getPlatform();
    if (!platform.equals("linux-x86_64")) {
      return "it is built for linux-x86_64, and this is " + platform;
    }
    if (LoadFailure.class.getResource("/dev/halfstep/bindings/linux-x86_64/libhalfstep.so") == null
        && dev.halfstep.bindings.spi.NativeProvider.class.getResource("linux-x86_64/libhalfstep.so")
            == null) {
      return "halfstep-bindings-<version>-linux-x86_64.jar is not on the class path or module path,"
          + " nor is javacpp-<version>-linux-x86_64.jar possibly; add both, or depend on"
          + " halfstep-platform";
    }
    return failure.getMessage()
        + "; if the cache cannot be written, name a folder that can with"
        + " -Dorg.bytedeco.javacpp.cachedir=DIR";
  }
}
