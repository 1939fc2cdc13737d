package dev.halfstep.graph;

import dev.halfstep.CommandList;
import dev.halfstep.Stream;
import dev.halfstep.internal.FlightRecorder;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The list of kernel calls for one graph, batch size and storage type, with a place in one arena
 * for every value that they pass on. It needs no device until it runs. Immutable.
 */
public final class Plan {
  private final String title;
  private final List<Call> calls;
  private final Planner.Layout layout;

  /**
   * Plans calls.
   *
   * @param title what the plan does, for tables
   * @param kept values that the caller reads after the plan has run; their memory is not used again
   */
  public Plan(String title, Calls calls, Collection<Value> kept) {
    this.title = title;
    this.calls = calls.list();
    this.layout = Planner.plan(this.calls, kept);
  }

  /** What the plan does. */
  public String title() {
    return title;
  }

  /** The calls, in order. */
  public List<Call> calls() {
    return calls;
  }

  /** Bytes of the activation arena. */
  public long arenaBytes() {
    return layout.arenaBytes();
  }

  /** Memory traffic of one run in bytes: the sum over all calls. */
  public long bytes() {
    return calls.stream().mapToLong(Call::bytes).sum();
  }

  /** Floating-point operations of one run. */
  public long flops() {
    return calls.stream().mapToLong(Call::flops).sum();
  }

  /**
   * The addresses of this plan's values.
   *
   * @param inputs addresses of the inputs by name
   */
  public ValueAddresses addresses(ValueAddresses.Arenas arenas, Map<String, Long> inputs) {
    return new ValueAddresses(arenas, layout.offsets(), inputs);
  }

  /** Makes all calls on a stream, one after the other. */
  public void run(Stream stream, ValueAddresses addresses) {
    for (Call call : calls) {
      call.kernel().run(stream, addresses);
    }
  }

  /** Records all calls into a list that can be launched again and again. */
  public CommandList record(Stream stream, ValueAddresses addresses) {
    Runnable all = () -> run(stream, addresses);
    return FlightRecorder.IS_PRESENT ? recordWithEvent(stream, all) : stream.capture(all);
  }

  private CommandList recordWithEvent(Stream stream, Runnable all) {
    PlanEvent event = new PlanEvent();
    event.begin();
    CommandList list = stream.capture(all);
    if (event.shouldCommit()) {
      event.plan = title;
      event.calls = calls.size();
      event.bytes = bytes();
      event.flops = flops();
      event.arenaBytes = arenaBytes();
      event.commit();
    }
    return list;
  }

  /** The calls as a table with their bytes and FLOPs, and the sums. */
  @Override
  public String toString() {
    int width = calls.stream().mapToInt(call -> call.name().length()).max().orElse(0);
    width = Math.max(width, "total".length());
    StringBuilder table = new StringBuilder(title).append('\n');
    String row = "  %-" + width + "s %16s %18s\n";
    table.append(String.format(Locale.ROOT, row, "call", "bytes", "FLOPs"));
    for (Call call : calls) {
      table.append(line(row, call.name(), call.bytes(), call.flops()));
    }
    table.append(line(row, "total", bytes(), flops()));
    table.append(String.format(Locale.ROOT, "activation arena: %,d bytes\n", arenaBytes()));
    return table.toString();
  }

  private static String line(String row, String name, long bytes, long flops) {
    return String.format(Locale.ROOT, row, name, grouped(bytes), grouped(flops));
  }

  private static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
