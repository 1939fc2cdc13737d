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
 * The recorded lists of one source of batches, by number of rows. The most recently used few are
 * kept; when the workspace moves, all are recorded anew.
 */
final class Feed implements AutoCloseable {
  private static final int KEPT = 8;

  /**
   * A plan, and how often it runs in one step.
   *
   * @param afterExchange whether workers that train together add up their gradients before it
   */
  record Part(Plan plan, int times, boolean afterExchange) {
    Part(Plan plan, int times) {
      this(plan, times, false);
    }
  }

  /** Sees to it that the rows of coming steps lie on the device. */
  interface Loader {
    /** For rows that are there always. */
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
     * Before steps are launched.
     *
     * @param position where the first one begins in the order of the samples, counted on over all
     *     passes
     * @param rows of each step
     * @return how many of the steps can be launched now, at least one
     */
    int prepare(long position, int rows, int steps);

    /** After these were launched. */
    void launched();
  }

  /** A recorded plan, how often it is launched in one step, and what comes before it. */
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
   * A feed with nothing recorded.
   *
   * @param inputs addresses of the plans' inputs by name
   * @param parts the plans of which a step of so many rows is made, in order
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
   * Runs so many steps of this many rows. Nothing is allocated where the rows are the last ones.
   *
   * @param position where the first one begins, as the state's cursor says it on the device
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

  /** Closes all lists; the next launch records anew. */
  @Override
  public void close() {
    recorded.values().forEach(Feed::close);
    recorded.clear();
    last = null;
    generation = memory.generation();
  }
}
