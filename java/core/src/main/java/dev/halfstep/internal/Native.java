package dev.halfstep.internal;

import static dev.halfstep.bindings.Native.HS_ABI_VERSION;
import static dev.halfstep.bindings.Native.HS_INVALID_ARGUMENT;
import static dev.halfstep.bindings.Native.HS_INVALID_STATE;
import static dev.halfstep.bindings.Native.HS_NO_DEVICE;
import static dev.halfstep.bindings.Native.HS_OK;
import static dev.halfstep.bindings.Native.HS_OUT_OF_MEMORY;
import static dev.halfstep.bindings.Native.HS_UNSUPPORTED;
import static dev.halfstep.bindings.Native.hs_check_abi;
import static dev.halfstep.bindings.Native.hs_last_error;
import static dev.halfstep.bindings.Native.hs_set_cuda_plugin;

import dev.halfstep.HalfstepException;
import dev.halfstep.bindings.spi.NativeProvider;
import java.io.IOException;
import java.net.URL;
import java.util.ServiceLoader;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the native library once, explains a failure to load it, and turns its statuses into
 * exceptions.
 */
public final class Native {
  private static final Logger LOG = LoggerFactory.getLogger(Native.class);
  private static final String CUDA_PLUGIN = "libhalfstep_cuda.so";

  private static final @Nullable LoadFailure FAILURE = tryToLoad();

  private Native() {}

  /**
   * Loads the library, unless it is loaded.
   *
   * @throws HalfstepException NOT_LOADED, with what was found missing and what to do
   */
  public static void load() {
    if (FAILURE != null) {
      throw FAILURE.exception();
    }
  }

  private static @Nullable LoadFailure tryToLoad() {
    try {
      LibraryCache.prepare();
      Loader.load(dev.halfstep.bindings.Native.class);
      check(hs_check_abi(HS_ABI_VERSION));
    } catch (IOException | LinkageError | IllegalCallerException e) {
      return new LoadFailure(e);
    } catch (HalfstepException otherVersion) {
      return new LoadFailure(otherVersion.getMessage(), otherVersion);
    }
    offerCudaPlugin();
    LibraryCache.deleteTemporaryOnExit();
    return null;
  }

  /** Throws the exception that a status stands for; returns if the status is success. */
  public static void check(int status) {
    if (status != HS_OK) {
      throw failure(status, lastError());
    }
  }

  /** The message of the calling thread's last failure. */
  public static String lastError() {
    BytePointer message = hs_last_error();
    return message == null ? "" : message.getString();
  }

  private static RuntimeException failure(int status, String message) {
    return switch (status) {
      case HS_INVALID_ARGUMENT -> new IllegalArgumentException(message);
      case HS_INVALID_STATE -> new IllegalStateException(message);
      case HS_OUT_OF_MEMORY ->
          new HalfstepException(HalfstepException.Status.OUT_OF_MEMORY, message);
      case HS_UNSUPPORTED -> new HalfstepException(HalfstepException.Status.UNSUPPORTED, message);
      case HS_NO_DEVICE -> new HalfstepException(HalfstepException.Status.NO_DEVICE, message);
      default -> new HalfstepException(HalfstepException.Status.DEVICE_FAILED, message);
    };
  }

  /** Tells the library where the CUDA plug-in lies, where a jar of it is present. */
  private static void offerCudaPlugin() {
    for (NativeProvider provider :
        ServiceLoader.load(NativeProvider.class, Native.class.getClassLoader())) {
      URL url = provider.find(CUDA_PLUGIN);
      if (url != null) {
        try {
          check(hs_set_cuda_plugin(LibraryCache.file(url).getPath()));
          return;
        } catch (IOException | RuntimeException e) {
          LOG.warn("the CUDA plug-in at {} cannot be used: {}", url, e.toString());
        }
      }
    }
  }
}
