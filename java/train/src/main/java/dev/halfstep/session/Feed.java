package dev.halfstep.session;

import dev.halfstep.CommandList;
import dev.halfstep.Stream;
import dev.halfstep.graph.Plan;
import dev.halfstep.internal.FlightRecorder;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The recorded command lists of one source of batches, by number of rows. The few most recently
 * used are kept; when the workspace moves, all are recorded again.
 */
final class Feed implements AutoCloseable {
  private static final int KEPT = 8;

  /**
   * A plan, and how many times it runs in one step.
   *
   * @param afterExchange whether workers that train together sum their gradients before it
   */
  record Part(Plan plan, int times, boolean afterExchange) {
    Part(Plan plan, int times) {
      this(plan, times, false);
    }
  }

  /** Brings the rows of the next steps to the device. */
  interface Loader {
    /** The loader for rows that are always on the device. */
    Loader NONE =
        new Loader() {
          @Override
          public int prepare(long position, int rows, int steps) {
            return steps;
          }

          @Override
          public void launched() {}
        };

    /**
     * Called before steps are launched.
     *
     * @param position where the first step begins in the order of the samples, counted over all
     *     passes
     * @param rows of each step
     * @return how many of the steps can be launched now, at least one
     */
    int prepare(long position, int rows, int steps);

    /** Called after these steps were launched. */
    void launched();
  }

  /** A recorded plan, its number of launches in one step, and the exchange before it, if any. */
  private record Launch(String title, CommandList list, int times, @Nullable Exchange before) {}

  private final SessionMemory memory;
  private final Map<String, Long> inputs;
  private final IntFunction<List<Part>> parts;
  private final Loader loader;
  private final Map<Integer, Launch[]> recorded = new LinkedHashMap<>(16, 0.75f, true);
  private Launch @Nullable [] last;
  private int lastRows;
  private int generation;

  /**
   * A feed without recorded lists.
   *
   * @param inputs addresses of the plans' inputs by name
   * @param parts gives the plans of a step with this number of rows, in order
   */
  Feed(
      SessionMemory memory,
      Map<String, Long> inputs,
      IntFunction<List<Part>> parts,
      Loader loader) {
    this.loader = loader;
    this.memory = memory;
    this.inputs = inputs;
    this.parts = parts;
  }

  /**
   * Runs {@code steps} steps of {@code rows} rows. Allocates nothing if the last call had the same
   * number of rows.
   *
   * @param position where the first step begins: the value of the state's cursor on the device
   */
  void launch(Stream stream, long position, int rows, int steps) {
    Launch[] launches = last;
    if (launches == null || rows != lastRows || generation != memory.generation()) {
      launches = find(rows);
    }
    if (FlightRecorder.IS_PRESENT && StepsEvent.isRecorded()) {
      StepsEvent event = new StepsEvent();
      event.begin();
      load(stream, launches, position, rows, steps);
      event.plan = launches[0].title();
      event.steps = steps;
      event.rows = rows;
      event.commit();
    } else {
      load(stream, launches, position, rows, steps);
    }
  }

  private void load(Stream stream, Launch[] launches, long position, int rows, int steps) {
    long next = position;
    for (int left = steps; left > 0; ) {
      int ready = loader.prepare(next, rows, left);
      launch(stream, launches, ready);
      loader.launched();
      next += (long) rows * ready;
      left -= ready;
    }
  }

  private static void launch(Stream stream, Launch[] launches, int steps) {
    if (launches.length == 1) {
      stream.launch(launches[0].list(), launches[0].times() * steps);
      return;
    }
    for (int i = 0; i < steps; i++) {
      for (Launch launch : launches) {
        if (launch.before() != null) {
          launch.before().run();
        }
        stream.launch(launch.list(), launch.times());
      }
    }
  }

  private Launch[] find(int rows) {
    if (generation != memory.generation()) {
      close();
    }
    Launch[] found = recorded.get(rows);
    if (found == null) {
      found = record(rows);
      recorded.put(rows, found);
      evict();
    }
    last = found;
    lastRows = rows;
    return found;
  }

  private Launch[] record(int rows) {
    List<Part> plans = parts.apply(rows);
    long bytes = plans.stream().mapToLong(part -> part.plan().arenaBytes()).max().orElse(0);
    memory.requireWorkspace(bytes);
    if (generation != memory.generation()) {
      close();
    }
    List<Launch> launches = new ArrayList<>();
    for (Part part : plans) {
      CommandList list = memory.record(part.plan(), inputs);
      Exchange before =
          part.afterExchange()
              ? memory.exchange(Objects.requireNonNull(inputs.get("state"), "state"))
              : null;
      launches.add(new Launch(part.plan().title(), list, part.times(), before));
    }
    return launches.toArray(Launch[]::new);
  }

  private void evict() {
    Iterator<Launch[]> oldest = recorded.values().iterator();
    while (recorded.size() > KEPT) {
      close(oldest.next());
      oldest.remove();
    }
  }

  private static void close(Launch[] launches) {
    for (Launch launch : launches) {
      launch.list().close();
    }
  }

  /** Closes all lists; the next launch records them again. */
  @Override
  public void close() {
    recorded.values().forEach(Feed::close);
    recorded.clear();
    last = null;
    generation = memory.generation();
  }
}
