package dev.halfstep.consumer;

import dev.halfstep.Device;
import dev.halfstep.DeviceListing;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/** What a user's program does with the installed artifacts; exit status 1 when some of it fails. */
public final class Consumer {
  private static final int M = 3;
  private static final int N = 4;
  private static final int K = 5;
  private static final MatmulKernel MATMUL = MatmulKernel.builder(M, N, K).build();
  private static final float[] A = counting(M * K);
  private static final float[] B = counting(K * N);
  private static final float[] C = product();

  private static final Map<String, Callable<float[]>> FORMS = new LinkedHashMap<>();

  static {
    FORMS.put("arrays", Consumer::arrays);
    FORMS.put("direct buffers", Consumer::directBuffers);
    FORMS.put("tensors", Consumer::tensors);
    FORMS.put("addresses", Consumer::addresses);
  }

  private Consumer() {}

  public static void main(String[] args) {
    int failed = runAll();
    System.out.println(failed == 0 ? "all passed" : failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }

  /** Runs all checks and returns how many failed. */
  public static int runAll() {
    int failed = 0;
    failed += check("every backend is there or says why not", Consumer::listDevices);
    for (Map.Entry<String, Callable<float[]>> form : FORMS.entrySet()) {
      failed += check("a product of " + form.getKey(), () -> isProduct(form.getValue().call()));
    }
    failed += check("a network learns", Consumer::learns);
    failed += check("four threads at once, in all forms", Consumer::fourThreads);
    failed += check("virtual threads that pause, where there are any", Consumer::virtualThreads);
    return failed;
  }

  private static int check(String name, Callable<Boolean> check) {
    try {
      boolean passed = check.call();
      System.out.println((passed ? "ok   " : "FAIL ") + name);
      return passed ? 0 : 1;
    } catch (Exception | LinkageError e) {
      System.out.println("FAIL " + name);
      e.printStackTrace(System.out);
      return 1;
    }
  }

  private static boolean listDevices() {
    boolean cpu = false;
    boolean explained = true;
    for (DeviceListing listing : Device.devices()) {
      System.out.println("     " + listing.id() + ": " + listing.info() + " " + listing.reason());
      cpu |= listing.id().equals("cpu") && listing.available();
      explained &= listing.available() || !listing.reason().isBlank();
    }
    return cpu && explained;
  }

  private static float[] arrays() {
    float[] c = new float[M * N];
    MATMUL.run(A, B, c);
    return c;
  }

  private static float[] directBuffers() {
    FloatBuffer c = direct(new float[M * N]);
    MATMUL.run(direct(A), direct(B), c);
    float[] result = new float[M * N];
    c.get(result);
    return result;
  }

  private static float[] tensors() {
    try (Device device = Device.cpu();
        Tensor a = device.tensor(Shape.of(M, K), A);
        Tensor b = device.tensor(Shape.of(K, N), B);
        Tensor c = device.tensor(Shape.of(M, N), new float[M * N])) {
      MATMUL.run(device.stream(), a, b, c);
      return c.toFloats();
    }
  }

  private static float[] addresses() {
    try (Device device = Device.cpu();
        Tensor a = device.tensor(Shape.of(M, K), A);
        Tensor b = device.tensor(Shape.of(K, N), B);
        Tensor c = device.tensor(Shape.of(M, N), new float[M * N])) {
      MATMUL.run(null, a.address(), b.address(), c.address(), 0, 0, 0);
      return c.toFloats();
    }
  }

  private static boolean learns() {
    Split digits = Digits.generate(0);
    Model model =
        Model.of(digits.train().sampleShape(), Sequential.of(new Flatten(), new Linear(10)));
    try (Device device = Device.cpu()) {
      History history =
          Trainer.builder(model, digits.train())
              .test(digits.heldOut())
              .device(device)
              .epochs(1)
              .fit();
      double accuracy = history.test().orElseThrow().accuracy();
      System.out.println("     accuracy " + accuracy);
      return accuracy > 0.6;
    }
  }

  private static boolean fourThreads() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Boolean>> work = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        List<Callable<float[]>> forms = List.copyOf(FORMS.values());
        Callable<float[]> form = forms.get(i % forms.size());
        work.add(() -> isProduct(form.call()));
      }
      boolean right = true;
      for (Future<Boolean> result : threads.invokeAll(work)) {
        right &= result.get();
      }
      return right;
    } finally {
      threads.shutdownNow();
    }
  }

  /** After a pause a virtual thread goes on in any of the system's threads. */
  private static boolean virtualThreads() throws Exception {
    Method start;
    try {
      start = Thread.class.getMethod("startVirtualThread", Runnable.class);
    } catch (NoSuchMethodException beforeJdk21) {
      return true;
    }
    List<FutureTask<Boolean>> tasks = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      tasks.add(new FutureTask<>(Consumer::productsWithPauses));
      start.invoke(null, tasks.get(i));
    }
    boolean right = true;
    for (FutureTask<Boolean> task : tasks) {
      right &= task.get();
    }
    return right;
  }

  private static boolean productsWithPauses() throws InterruptedException {
    boolean right = true;
    try (Device device = Device.cpu();
        Tensor a = device.tensor(Shape.of(M, K), A);
        Tensor b = device.tensor(Shape.of(K, N), B);
        Tensor c = device.tensor(Shape.of(M, N), new float[M * N])) {
      for (int i = 0; i < 20; i++) {
        MATMUL.run(device.stream(), a, b, c);
        Thread.sleep(1);
        right &= isProduct(c.toFloats());
      }
    }
    return right;
  }

  /** The values are small integers, so every correct order of summation gives the same bits. */
  private static boolean isProduct(float[] c) {
    boolean right = Arrays.equals(c, C);
    if (!right) {
      System.out.println("expected " + Arrays.toString(C) + ", was " + Arrays.toString(c));
    }
    return right;
  }

  private static float[] counting(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = i % 7 - 3;
    }
    return values;
  }

  private static float[] product() {
    float[] c = new float[M * N];
    for (int i = 0; i < M; i++) {
      for (int j = 0; j < N; j++) {
        for (int k = 0; k < K; k++) {
          c[i * N + j] += A[i * K + k] * B[k * N + j];
        }
      }
    }
    return c;
  }

  private static FloatBuffer direct(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(values.length * Float.BYTES);
    return bytes.order(ByteOrder.nativeOrder()).asFloatBuffer().put(values).flip();
  }
}
