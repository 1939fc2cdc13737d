package dev.halfstep.session;

import dev.halfstep.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;

/** A worker among threads of one process, which exchange their values in shared arrays. */
final class LocalCollective implements Collective {
  private final Meeting meeting;
  private final int rank;
  private final double[][] numbers; // the numbers of each worker, by rank
  private final float[][] values; // the tensor values of each worker, by rank
  private final float[][] sums; // one array of sums, which rank 0 allocates
  private float[] mine = new float[0];
  private double[] brought = new double[0];

  private LocalCollective(
      Meeting meeting, int rank, double[][] numbers, float[][] values, float[][] sums) {
    this.meeting = meeting;
    this.rank = rank;
    this.numbers = numbers;
    this.values = values;
    this.sums = sums;
  }

  static List<Collective> of(int size, Duration patience) {
    if (size < 1) {
      throw new IllegalArgumentException("there must be at least 1 worker, not " + size);
    }
    if (patience.isNegative() || patience.isZero()) {
      throw new IllegalArgumentException(
          "a worker must wait for the others for some time, not for " + patience);
    }
    Meeting meeting = new Meeting(size, patience);
    double[][] numbers = new double[size][];
    float[][] values = new float[size][];
    float[][] sums = new float[1][];
    return IntStream.range(0, size)
        .<Collective>mapToObj(rank -> new LocalCollective(meeting, rank, numbers, values, sums))
        .toList();
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return values.length;
  }

  /**
   * Each worker sums a part of the elements. The second meeting also prevents a fast worker from
   * overwriting, in its next call, values that another worker still reads.
   */
  @Override
  public void allReduceSum(Tensor tensor) {
    bring(tensor);
    if (rank == 0 && (sums[0] == null || sums[0].length != mine.length)) {
      sums[0] = new float[mine.length];
    }
    meeting.await(rank);
    requireSameLengths();
    int from = part(rank);
    int to = part(rank + 1);
    float[] sum = sums[0];
    System.arraycopy(values[0], from, sum, from, to - from);
    for (int worker = 1; worker < size(); worker++) {
      float[] terms = values[worker];
      for (int i = from; i < to; i++) {
        sum[i] += terms[i];
      }
    }
    meeting.await(rank);
    tensor.upload(sum);
  }

  private int part(int worker) {
    return (int) ((long) mine.length * worker / size());
  }

  private void bring(Tensor tensor) {
    int length = Math.toIntExact(tensor.shape().elements());
    if (mine.length != length) {
      mine = new float[length];
    }
    tensor.download(mine);
    values[rank] = mine;
  }

  @Override
  public void allReduceSum(double[] terms) {
    if (brought.length != terms.length) {
      brought = new double[terms.length];
    }
    System.arraycopy(terms, 0, brought, 0, terms.length);
    numbers[rank] = brought;
    meeting.await(rank);
    for (int worker = 1; worker < size(); worker++) {
      requireSameLength(worker, numbers[0].length, numbers[worker].length);
    }
    Arrays.fill(terms, 0);
    for (double[] ofWorker : numbers) {
      for (int i = 0; i < terms.length; i++) {
        terms[i] += ofWorker[i];
      }
    }
    meeting.await(rank);
  }

  @Override
  public void broadcast(Tensor tensor, int root) {
    if (root < 0 || root >= size()) {
      throw new IllegalArgumentException(
          "the worker to take values from is 0 to " + (size() - 1) + ", not " + root);
    }
    bring(tensor);
    meeting.await(rank);
    requireSameLengths();
    tensor.upload(values[root]);
    meeting.await(rank);
  }

  /** Every worker makes the same comparison, so all of them fail together. */
  private void requireSameLengths() {
    for (int worker = 1; worker < size(); worker++) {
      requireSameLength(worker, values[0].length, values[worker].length);
    }
  }

  private static void requireSameLength(int worker, int first, int length) {
    if (length != first) {
      throw new IllegalStateException(
          "worker 0 brings "
              + first
              + " values to be added and worker "
              + worker
              + " brings "
              + length
              + ": all workers must train the same model with the same options");
    }
  }

  /** A reusable barrier at which all workers wait for each other. */
  private static final class Meeting {
    private final long patience; // ns
    private final boolean[] here;
    private int count;
    private long number;
    private String failure = "";

    Meeting(int size, Duration patience) {
      this.patience = patience.toNanos();
      here = new boolean[size];
    }

    synchronized void await(int rank) {
      requireWhole();
      here[rank] = true;
      count++;
      if (count == here.length) {
        Arrays.fill(here, false);
        count = 0;
        number++;
        notifyAll();
        return;
      }
      long meeting = number;
      long end = System.nanoTime() + patience;
      while (meeting == number) {
        requireWhole();
        long left = end - System.nanoTime();
        if (left <= 0) {
          fail("workers " + missing() + " of " + here.length + " have not come to add up their");
        }
        try {
          wait(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          failure = "worker " + rank + " was interrupted while it waited for the others";
          notifyAll();
          throw new CancellationException(failure);
        }
      }
    }

    private List<Integer> missing() {
      return IntStream.range(0, here.length).filter(rank -> !here[rank]).boxed().toList();
    }

    private void fail(String what) {
      failure =
          what
              + " gradients within "
              + Duration.ofNanos(patience)
              + ": did one fail, or make fewer steps than the others?";
      notifyAll();
      requireWhole();
    }

    private void requireWhole() {
      if (!failure.isEmpty()) {
        throw new IllegalStateException(failure);
      }
    }
  }
}
