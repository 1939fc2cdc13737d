package dev.halfstep.internal;

import dev.halfstep.HalfstepException;
import dev.halfstep.bindings.spi.NativeProvider;
import java.io.IOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/** Explains why the native library could not be loaded and what to do, in one sentence. */
record LoadFailure(String reason, Throwable cause) {
  static final String PLATFORM = "linux-x86_64";
  static final String LIBRARY = PLATFORM + "/libjnihalfstep.so";

  private static final String OTHER_FOLDER =
      "; name another folder for extracted libraries with -D" + LibraryCache.PROPERTY + "=FOLDER";

  LoadFailure(Throwable cause) {
    this(reason(cause), cause);
  }

  HalfstepException exception() {
    return new HalfstepException(
        HalfstepException.Status.NOT_LOADED,
        "Halfstep's native library could not be loaded: " + reason,
        cause);
  }

  private static String reason(Throwable failure) {
    String innermost = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      if (cause instanceof IllegalCallerException || text.contains("native access")) {
        return "this JVM denies native access; start it with --enable-native-access="
            + "org.bytedeco.javacpp,dev.halfstep.bindings (ALL-UNNAMED on the class path)";
      }
      if (text.contains("GLIBC")) {
        return text + "; glibc 2.34 and libstdc++ of GCC 11 or later are needed";
      }
      if (text.contains("failed to map segment")) {
        return text + ": " + notExecutable(text);
      }
      innermost = text;
    }
    if (failure instanceof IOException) {
      return failure.getMessage() + OTHER_FOLDER;
    }
    String platform = Loader.getPlatform();
    if (!platform.equals(PLATFORM)) {
      return "it is built for " + PLATFORM + ", and this is " + platform;
    }
    if (NativeProvider.class.getResource("/dev/halfstep/bindings/" + LIBRARY) == null) {
      return "it is neither on the class path nor on the module path: depend on halfstep-platform,"
          + " or add halfstep-bindings-<version>-"
          + PLATFORM
          + ".jar and javacpp-<version>-"
          + PLATFORM
          + ".jar";
    }
    return innermost;
  }

  /** What to do about the library that a message of the dynamic linker begins with. */
  private static String notExecutable(String message) {
    Path library = Path.of(message.substring(0, Math.max(0, message.indexOf(": "))));
    String problem = library.getParent() + " is mounted noexec";
    try {
      return library.startsWith(Loader.getCacheDir().toPath())
          ? problem + OTHER_FOLDER
          : problem + "; move Halfstep's own files to a file system without that option";
    } catch (IOException noCache) {
      return problem;
    }
  }
}
