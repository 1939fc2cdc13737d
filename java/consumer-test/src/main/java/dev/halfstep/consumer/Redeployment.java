package dev.halfstep.consumer;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/**
 * Uses the library in class loaders of its own, drops them one after the other, as a server does
 * that deploys an application anew, and fails when they are not collected. With
 * {@code -Dorg.bytedeco.javacpp.nopointergc=true}: the thread that JavaCPP has otherwise holds them.
 */
public final class Redeployment {
  private static final int TIMES = 3;
  private static final long PATIENCE_NANOS = 30_000_000_000L;

  private Redeployment() {}

  public static void main(String[] args) throws Exception {
    int failed = 0;
    List<WeakReference<ClassLoader>> dropped = new ArrayList<>();
    for (int i = 0; i < TIMES; i++) {
      URLClassLoader loader = newLoader();
      FutureTask<Integer> application = new FutureTask<>(() -> run(loader));
      Thread thread = new Thread(application);
      thread.start();
      failed += application.get();
      thread.join();
      dropped.add(new WeakReference<>(loader));
      loader.close();
    }
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (dropped.stream().anyMatch(loader -> loader.get() != null) && System.nanoTime() < end) {
      System.gc();
      Thread.sleep(50);
    }
    long held = dropped.stream().filter(loader -> loader.get() != null).count();
    Thread.sleep(500); // what is unmapped under a thread that waits shows when it wakes
    System.out.printf("%d of %d class loaders are held, %d failed%n", held, TIMES, failed);
    System.exit(failed == 0 && held == 0 ? 0 : 1);
  }

  private static int run(URLClassLoader loader) throws ReflectiveOperationException {
    Thread.currentThread().setContextClassLoader(loader);
    Class<?> consumer = loader.loadClass("dev.halfstep.consumer.Consumer");
    return (int) consumer.getMethod("runAll").invoke(null);
  }

  private static URLClassLoader newLoader() throws Exception {
    List<URL> path = new ArrayList<>();
    for (String element : System.getProperty("java.class.path").split(File.pathSeparator)) {
      path.add(new File(element).toURI().toURL());
    }
    return new URLClassLoader(path.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
  }
}
