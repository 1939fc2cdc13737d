package dev.halfstep.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlannerTest {
  private static final ValueAddresses.Arenas NO_ARENAS =
      new ValueAddresses.Arenas(new Parameters(List.of()), 0, 0, 0, 0);

  /** A model of an arena, which notes for each byte the value that wrote it last. */
  private static final class Paper {
    final Map<Long, Value> owners = new HashMap<>();

    void write(Value value, long address) {
      for (long i = 0; i < value.bytes(); i++) {
        owners.put(address + i, value.root());
      }
    }

    void read(Value value, long address) {
      for (long i = 0; i < value.bytes(); i++) {
        assertEquals(value.root(), owners.get(address + i), "byte " + i + " of " + value);
      }
    }
  }

  private static Value planned(Graph graph, String name, long elements) {
    return graph.value(name, DType.F32, Shape.of(elements));
  }

  private static Call call(Paper paper, List<Value> reads, List<Value> writes) {
    return Call.of(
        "call",
        reads,
        writes,
        0,
        (stream, at) -> {
          reads.forEach(value -> paper.read(value, at.of(value)));
          writes.forEach(value -> paper.write(value, at.of(value)));
        });
  }

  @Test
  void valuesThatLiveAtTheSameTimeNeverShareMemory() {
    try (Device device = Device.cpu()) {
      for (int seed = 0; seed < 200; seed++) {
        Random random = new Random(seed);
        Graph graph = new Graph(DType.F32, true);
        Paper paper = new Paper();
        Calls calls = new Calls();
        List<Value> alive = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
          List<Value> reads = new ArrayList<>();
          for (int j = 0; j < random.nextInt(4) && !alive.isEmpty(); j++) {
            reads.add(alive.get(random.nextInt(alive.size())));
          }
          long elements = 1L + random.nextInt(40);
          if (!reads.isEmpty() && random.nextBoolean()) {
            elements = reads.get(0).shape().elements();
          }
          Value written = planned(graph, "v" + i, elements);
          Call call = call(paper, reads, List.of(written));
          boolean inPlace =
              !reads.isEmpty() && reads.get(0).bytes() == written.bytes() && random.nextBoolean();
          calls.add(inPlace ? call.allowInPlace() : call);
          alive.add(random.nextInt(3) == 0 ? graph.alias(written, Shape.of(1, elements)) : written);
        }
        Value kept = alive.get(random.nextInt(alive.size()));
        Plan plan = new Plan("random", calls, List.of(kept));
        ValueAddresses at = plan.addresses(NO_ARENAS, Map.of());
        plan.run(device.stream(), at);
        paper.read(kept, at.of(kept));
      }
    }
  }

  @Test
  void aChainNeedsNoMoreThanTwoOfItsValues() {
    Graph graph = new Graph(DType.F32, true);
    Paper paper = new Paper();
    Calls calls = new Calls();
    Value last = planned(graph, "v0", 100);
    calls.add(call(paper, List.of(), List.of(last)));
    for (int i = 1; i < 10; i++) {
      Value next = planned(graph, "v" + i, 100);
      calls.add(call(paper, List.of(last), List.of(next)));
      last = next;
    }
    assertEquals(2 * 448, new Plan("chain", calls, List.of(last)).arenaBytes());
  }

  @Test
  void aCallThatMayRunInPlaceDoesSoOnlyWhereItsInputDies() {
    Graph graph = new Graph(DType.F32, true);
    Paper paper = new Paper();
    Value a = planned(graph, "a", 16);
    Value b = planned(graph, "b", 16);
    Value c = planned(graph, "c", 16);
    Calls calls = new Calls();
    calls.add(call(paper, List.of(), List.of(a)));
    calls.add(call(paper, List.of(a), List.of(b)).allowInPlace());
    calls.add(call(paper, List.of(a), List.of(c)).allowInPlace());
    ValueAddresses at = new Plan("in place", calls, List.of(b, c)).addresses(NO_ARENAS, Map.of());
    assertNotEquals(at.of(a), at.of(b));
    assertEquals(at.of(a), at.of(c));
  }

  @Test
  void everyValueBeginsAtACacheLine() {
    Graph graph = new Graph(DType.F32, true);
    Paper paper = new Paper();
    Calls calls = new Calls();
    List<Value> values = new ArrayList<>();
    for (int i = 1; i < 20; i++) {
      values.add(planned(graph, "v" + i, i));
    }
    calls.add(call(paper, List.of(), values));
    ValueAddresses at = new Plan("aligned", calls, values).addresses(NO_ARENAS, Map.of());
    values.forEach(value -> assertEquals(0, at.of(value) % 64));
  }

  @Test
  void theTableNamesCallsWithBytesAndFlops() {
    Graph graph = new Graph(DType.F32, true);
    Value a = planned(graph, "a", 1000);
    Calls calls = new Calls();
    calls.add(Call.of("first call", List.of(), List.of(a), 123456, (stream, at) -> {}));
    Plan plan = new Plan("title", calls, List.of());
    assertEquals(4000, plan.bytes());
    assertEquals(123456, plan.flops());
    String table = plan.toString();
    assertTrue(table.startsWith("title\n"), table);
    assertTrue(table.contains("first call") && table.contains("123,456"), table);
  }
}
