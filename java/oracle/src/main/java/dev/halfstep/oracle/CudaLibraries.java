package dev.halfstep.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;

/** The libraries of the machine that the presets of CUDA bind. */
public final class CudaLibraries {
  /** A library by its file name, and what it belongs to. */
  public record Library(String file, String product) {
    @Override
    public String toString() {
      return file + " (" + product + ")";
    }
  }

  /** All that {@link Oracle} needs. */
  public static final List<Library> REQUIRED =
      List.of(
          new Library("libcuda.so.1", "the NVIDIA driver, 580 or later"),
          new Library("libcudart.so.13", "the runtime of CUDA 13"),
          new Library("libcublas.so.13", "cuBLAS of CUDA 13"),
          new Library("libcublasLt.so.13", "cuBLASLt of CUDA 13"),
          new Library("libcudnn.so.9", "cuDNN 9"),
          new Library("libcudnn_graph.so.9", "cuDNN 9"),
          new Library("libcudnn_ops.so.9", "cuDNN 9"),
          new Library("libcudnn_cnn.so.9", "cuDNN 9"),
          new Library("libcudnn_adv.so.9", "cuDNN 9"));

  private CudaLibraries() {}

  /** Those that the dynamic linker does not find, in the order given. */
  public static List<Library> missing(List<Library> libraries) {
    Loader.load(Loader.class);
    List<Library> missing = new ArrayList<>();
    for (Library library : libraries) {
      try {
        Loader.loadGlobal(library.file());
      } catch (UnsatisfiedLinkError notFound) {
        missing.add(library);
      }
    }
    return missing;
  }

  /** One sentence that names each missing library; empty if all of {@link #REQUIRED} are there. */
  public static String problem() {
    List<Library> missing = missing(REQUIRED);
    if (missing.isEmpty()) {
      return "";
    }
    return "the oracle needs "
        + missing.stream().map(Library::toString).collect(Collectors.joining(", "))
        + ": install what is missing, or name its folder in LD_LIBRARY_PATH";
  }
}
