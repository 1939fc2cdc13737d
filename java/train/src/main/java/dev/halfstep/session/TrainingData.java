package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.data.Dataset;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The data set that a session trains on, the order of its samples, and the others it was given. */
final class TrainingData implements AutoCloseable {
  private final Stream stream;
  private final RunState run;
  private final DataCache cache;
  private final StepClock clock;
  private @Nullable Dataset data;
  private int[] order = {};
  private @Nullable DeviceData source; // what the feed reads
  private @Nullable Feed feed;
  private @Nullable RuntimeException unread; // why streamed samples could not be read

  TrainingData(
      Device device, SessionOptions options, SessionMemory memory, RunState run, StepClock clock) {
    stream = device.stream();
    this.run = run;
    this.clock = clock;
    cache = new DataCache(device, options, memory);
  }

  /** Trains on these data from now on, in the order in which they lie. */
  void data(Dataset data) {
    cache.get(data, data);
    this.data = data;
    order(IntStream.range(0, data.size()).toArray());
  }

  /** The data that are trained on. */
  Dataset current() {
    if (data == null) {
      throw new IllegalStateException("there are no data to train on: call data(...) before");
    }
    return data;
  }

  /** The order of the samples from now on, from its beginning. */
  void order(int[] order) {
    Dataset current = current();
    if (order.length == 0) {
      throw new IllegalArgumentException("the order of the samples is empty");
    }
    DataTables.checkOrder(current, order);
    if (this.order.length == order.length) {
      System.arraycopy(order, 0, this.order, 0, order.length);
    } else {
      this.order = order.clone();
    }
    source = null;
    feed(current);
    run.cursor(0);
  }

  /** Where the next step begins in the order. */
  void position(long sample) {
    current();
    if (sample < 0) {
      throw new IllegalArgumentException("a position cannot be negative: " + sample);
    }
    run.cursor(sample);
  }

  /**
   * Launches steps without waiting for them.
   *
   * @return the weight units of one step, as {@link BatchSource#unitsPerSample} counts them
   */
  long launch(int rows, int steps) {
    Dataset current = current();
    if (steps < 0) {
      throw new IllegalArgumentException("the number of steps cannot be negative: " + steps);
    }
    Feed feed = feed(current);
    if (source instanceof StreamedData streamed) {
      long begin = System.nanoTime();
      long before = streamed.loadingNanos();
      long position = run.reserve(rows, steps);
      try {
        feed.launch(stream, position, rows, steps);
      } catch (RuntimeException failure) {
        unread = failure; // some of the steps were launched, and others not
        throw failure;
      }
      clock.ran(begin, streamed.loadingNanos() - before);
    } else {
      feed.launch(stream, run.reserve(rows, steps), rows, steps);
    }
    return rows * BatchSource.unitsPerSample(current.form());
  }

  /** Throws if steps were to be made whose samples could not be read. */
  void requireWhole() {
    if (unread != null) {
      throw new IllegalStateException(
          "the session cannot go on, for samples could not be read ("
              + unread.getMessage()
              + "): open another one; its weights are those of the last step that was made",
          unread);
    }
  }

  /** The feed of training, made anew where the data have come to lie otherwise. */
  private Feed feed(Dataset current) {
    DeviceData now = onDevice(current);
    if (feed == null || now != source) {
      feed = now.training(order, run.addresses());
      source = now;
    }
    return feed;
  }

  /** Any data set, brought to the device unless it is there. */
  DeviceData onDevice(Dataset wanted) {
    return cache.get(wanted, data);
  }

  @Override
  public void close() {
    cache.close();
  }
}
