package dev.halfstep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.ScaleAddKernel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Several threads share devices, streams, tensors and command lists without coordination: each
 * uses, replaces and closes whatever it finds. Every operation works or throws a documented
 * exception; none hangs or crashes.
 */
@Timeout(600)
class SharedHandlesFuzzTest {
  private static final int THREADS = 4;
  private static final int OPERATIONS = 300; // per thread in a case
  private static final int COUNT = 64;
  private static final ScaleAddKernel DOUBLE = ScaleAddKernel.of(DType.F32, COUNT, 2, 0);

  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  /** The objects that the threads share; each slot holds the one that was stored last. */
  private static final class Shared {
    static final int PLACES = 3;

    final AtomicReferenceArray<Device> devices = new AtomicReferenceArray<>(PLACES);
    final AtomicReferenceArray<Stream> streams = new AtomicReferenceArray<>(PLACES);
    final AtomicReferenceArray<Tensor> tensors = new AtomicReferenceArray<>(PLACES);
    final AtomicReferenceArray<CommandList> lists = new AtomicReferenceArray<>(PLACES);
  }

  @Test
  void eachOperationWorksOrSaysWhyNot() {
    Fuzz.run("shared handles", this::one);
  }

  private void one(SplittableRandom random) throws Exception {
    Shared shared = new Shared();
    for (int i = 0; i < Shared.PLACES; i++) {
      Device device = TestDevice.open();
      shared.devices.set(i, device);
      shared.streams.set(i, device.newStream());
      shared.tensors.set(i, device.zeros(DType.F32, Shape.of(COUNT)));
    }
    List<Future<Integer>> results = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      SplittableRandom own = random.split();
      results.add(threads.submit(() -> work(own, shared)));
    }
    int worked = 0;
    for (Future<Integer> result : results) {
      worked += result.get();
    }
    assertTrue(worked > OPERATIONS / 20, worked + " operations worked");
    for (int i = 0; i < Shared.PLACES; i++) {
      Device device = shared.devices.get(i);
      device.close();
      device.close();
      assertThrows(IllegalStateException.class, device::info);
      assertThrows(IllegalStateException.class, () -> device.zeros(DType.F32, Shape.of(1)));
    }
  }

  /** Runs the operations of one thread; returns how many worked. */
  private static int work(SplittableRandom random, Shared shared) {
    int worked = 0;
    for (int i = 0; i < OPERATIONS; i++) {
      try {
        operate(random, shared);
        worked++;
      } catch (IllegalStateException | IllegalArgumentException | HalfstepException refused) {
        assertTrue(!refused.getMessage().isBlank(), refused::toString);
      }
    }
    return worked;
  }

  private static <T> T any(SplittableRandom random, AtomicReferenceArray<T> places) {
    T found = places.get(random.nextInt(Shared.PLACES));
    if (found == null) {
      throw new IllegalStateException("nothing is there yet");
    }
    return found;
  }

  private static void operate(SplittableRandom random, Shared shared) {
    Device device = any(random, shared.devices);
    int place = random.nextInt(Shared.PLACES);
    switch (random.nextInt(16)) {
      case 0 -> shared.streams.set(place, device.newStream());
      case 1 -> shared.tensors.set(place, device.empty(DType.F32, Shape.of(COUNT)));
      case 2 -> shared.tensors.set(place, any(random, shared.tensors).slice(0, COUNT / 2));
      case 3 -> any(random, shared.tensors).close();
      case 4 -> any(random, shared.streams).close();
      case 5 -> any(random, shared.streams).release();
      case 6 -> any(random, shared.streams).adopt();
      case 7 -> any(random, shared.lists).close();
      case 8 -> any(random, shared.streams).launch(any(random, shared.lists), 2);
      case 9 -> any(random, shared.streams).waitFor(any(random, shared.streams));
      case 10 -> {
        Stream stream = any(random, shared.streams);
        Tensor x = any(random, shared.tensors);
        Tensor y = any(random, shared.tensors);
        shared.lists.set(place, stream.capture(() -> DOUBLE.run(stream, x, y)));
      }
      case 11 -> {
        if (random.nextInt(20) == 0) {
          device.close();
          shared.devices.set(place, TestDevice.open());
        }
      }
      case 12 -> {
        try (Device own = TestDevice.open();
            Tensor tensor = own.zeros(DType.F32, Shape.of(COUNT))) {
          Copy.fill(own.stream(), tensor, 3);
          assertEquals(3, tensor.toFloats()[COUNT - 1]);
        }
      }
      case 13 -> any(random, shared.streams).synchronize();
      case 14 -> assertTrue(any(random, shared.tensors).toFloats().length >= COUNT / 2);
      default ->
          DOUBLE.run(
              any(random, shared.streams),
              any(random, shared.tensors),
              any(random, shared.tensors));
    }
  }
}
