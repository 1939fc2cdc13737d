package dev.halfstep.train;

import java.util.List;

/**
 * The way of one weight through a run.
 *
 * @param parameter its tensor's name, such as {@code 1.weight}
 * @param index of the weight in the tensor, as {@code Model.get} lays it out
 * @param steps how many steps were done at each point, ascending from 0
 * @param values the weight at each of them
 */
public record WeightTrace(String parameter, int index, List<Integer> steps, List<Float> values) {
  /** Copies the lists. */
  public WeightTrace {
    steps = List.copyOf(steps);
    values = List.copyOf(values);
  }
}
