package dev.halfstep.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Lays the planned values of a list of calls out in one arena. A value lives from the first call
 * that mentions it to the last; values whose lives do not overlap share memory. The largest are
 * placed first, each at the lowest offset where it fits (greedy by size; Pisarchyk and Lee,
 * "Efficient memory management for deep neural net inference", 2020).
 */
final class Planner {
  /** Every value begins at a multiple of 64 bytes. */
  static final long ALIGNMENT = 64;

  /**
   * A region of the arena, used from call {@code first} to call {@code last}; values written in
   * place share one.
   */
  private static final class Region {
    final int first;
    int last;
    long bytes;
    long offset;

    Region(int call, long bytes) {
      this.first = call;
      this.last = call;
      this.bytes = bytes;
    }

    boolean livesWith(Region other) {
      return first <= other.last && other.first <= last;
    }

    long end() {
      return offset + bytes;
    }
  }

  private final Map<Value, Region> regions = new LinkedHashMap<>();
  private long arenaBytes;

  private Planner() {}

  /**
   * Computes the offset of each planned value and the size of the arena.
   *
   * @param kept values that must still hold when all calls have run
   */
  static Layout plan(List<Call> calls, Collection<Value> kept) {
    Planner planner = new Planner();
    Map<Value, Integer> lastUse = lastUses(calls);
    for (Value value : kept) {
      lastUse.put(value.root(), calls.size());
    }
    for (int i = 0; i < calls.size(); i++) {
      planner.visit(calls.get(i), i, lastUse);
    }
    for (Value value : kept) {
      planner.use(value, calls.size());
    }
    planner.place();
    Map<Value, Long> offsets = new HashMap<>();
    planner.regions.forEach((value, region) -> offsets.put(value, region.offset));
    return new Layout(offsets, planner.arenaBytes);
  }

  /** Offsets in bytes of the planned values, and the size of the arena. */
  record Layout(Map<Value, Long> offsets, long arenaBytes) {}

  private static Map<Value, Integer> lastUses(List<Call> calls) {
    Map<Value, Integer> lastUse = new HashMap<>();
    for (int i = 0; i < calls.size(); i++) {
      for (Value value : calls.get(i).reads()) {
        lastUse.put(value.root(), i);
      }
      for (Value value : calls.get(i).writes()) {
        lastUse.put(value.root(), i);
      }
    }
    return lastUse;
  }

  private void visit(Call call, int index, Map<Value, Integer> lastUse) {
    for (Value value : call.reads()) {
      use(value, index);
    }
    if (call.inPlace()) {
      Value from = call.reads().get(0).root();
      Value to = call.writes().get(0).root();
      boolean dies = lastUse.getOrDefault(from, -1) == index;
      if (dies && regions.containsKey(from) && isNew(to) && from.bytes() == to.bytes()) {
        regions.put(to, regions.get(from));
      }
    }
    for (Value value : call.writes()) {
      use(value, index);
    }
  }

  private boolean isNew(Value value) {
    return value.place() instanceof Value.Place.Planned && !regions.containsKey(value);
  }

  private void use(Value value, int index) {
    Value root = value.root();
    if (root.place() instanceof Value.Place.Planned) {
      regions.computeIfAbsent(root, v -> new Region(index, aligned(v.bytes()))).last = index;
    }
  }

  private void place() {
    List<Region> order = new ArrayList<>(new LinkedHashSet<>(regions.values()));
    order.sort(Comparator.comparingLong((Region region) -> region.bytes).reversed());
    List<Region> placed = new ArrayList<>();
    for (Region region : order) {
      region.offset = lowestGap(region, placed);
      arenaBytes = Math.max(arenaBytes, region.end());
      insert(region, placed);
    }
  }

  /**
   * Inserts the region after those that begin at or before it. Sorting the list each time would be
   * slow for deep networks.
   */
  private static void insert(Region region, List<Region> placedByOffset) {
    int low = 0;
    int high = placedByOffset.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (placedByOffset.get(middle).offset <= region.offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    placedByOffset.add(low, region);
  }

  /** The lowest offset at which the region overlaps no region that lives at the same time. */
  private static long lowestGap(Region region, List<Region> placedByOffset) {
    long offset = 0;
    for (Region other : placedByOffset) {
      if (other.offset >= offset + region.bytes) {
        break;
      }
      if (other.livesWith(region)) {
        offset = Math.max(offset, other.end());
      }
    }
    return offset;
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
