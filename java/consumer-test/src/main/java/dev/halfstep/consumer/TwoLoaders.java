package dev.halfstep.consumer;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;

/** Runs {@link Consumer} from two class loaders that share nothing, as two web applications do. */
public final class TwoLoaders {
  private TwoLoaders() {}

  public static void main(String[] args) throws Exception {
    List<URL> path = new ArrayList<>();
    for (String element : System.getProperty("java.class.path").split(File.pathSeparator)) {
      path.add(toUrl(element));
    }
    int failed = 0;
    List<URLClassLoader> loaders = new ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      URLClassLoader loader =
          new URLClassLoader(path.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
      loaders.add(loader);
      System.out.println("class loader " + i);
      Thread.currentThread().setContextClassLoader(loader);
      Class<?> consumer = loader.loadClass(Consumer.class.getName());
      failed += (int) consumer.getMethod("runAll").invoke(null);
    }
    System.out.printf("%d loaders, %d failed%n", loaders.size(), failed);
    System.exit(failed == 0 ? 0 : 1);
  }

  private static URL toUrl(String element) throws MalformedURLException {
    return new File(element).toURI().toURL();
  }
}
