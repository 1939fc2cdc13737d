package dev.halfstep.train;

import java.util.List;

/**
 * The values of one weight during a run.
 *
 * @param parameter its tensor's name, such as {@code 1.weight}
 * @param index the index of the weight in the tensor, as {@code Model.get} lays it out
 * @param steps the number of steps done at each point, ascending from 0
 * @param values the value of the weight at each point
 */
public record WeightTrace(String parameter, int index, List<Integer> steps, List<Float> values) {
  /** Copies the lists. */
  public WeightTrace {
    steps = List.copyOf(steps);
    values = List.copyOf(values);
  }
}
