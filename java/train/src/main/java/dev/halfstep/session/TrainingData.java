package dev.halfstep.session;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.data.Dataset;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The data set that a session trains on, the order of its samples, and the other data in use. */
final class TrainingData implements AutoCloseable {
  private final Stream stream;
  private final RunState run;
  private final DataCache cache;
  private final StepClock clock;
  private @Nullable Dataset data;
  private int[] order = {};
  private @Nullable DeviceData source; // the data that the feed reads
  private @Nullable Feed feed;
  private @Nullable RuntimeException unread; // why streamed samples could not be read

  TrainingData(
      Device device, SessionOptions options, SessionMemory memory, RunState run, StepClock clock) {
    stream = device.stream();
    this.run = run;
    this.clock = clock;
    cache = new DataCache(device, options, memory);
  }

  /** Sets the training data; their order is that of the data until another is set. */
  void data(Dataset data) {
    cache.get(data, data);
    this.data = data;
    order(IntStream.range(0, data.size()).toArray());
  }

  /** The training data. */
  Dataset current() {
    if (data == null) {
      throw new IllegalStateException("there are no data to train on: call data(...) before");
    }
    return data;
  }

  /** Sets the order of the samples, and starts at its beginning. */
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

  /** Sets where the next step begins in the order. */
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
        unread = failure; // some of the steps were launched and others were not
        throw failure;
      }
      clock.ran(begin, streamed.loadingNanos() - before);
    } else {
      feed.launch(stream, run.reserve(rows, steps), rows, steps);
    }
    return rows * BatchSource.unitsPerSample(current.form());
  }

  /** Throws if the samples of an earlier step could not be read. */
  void requireWhole() {
    if (unread != null) {
      throw new IllegalStateException(
          "the session cannot go on, for samples could not be read ("
              + unread.getMessage()
              + "): open another one; its weights are those of the last step that was made",
          unread);
    }
  }

  /** The feed of training; made again if the data were copied or streamed anew. */
  private Feed feed(Dataset current) {
    DeviceData now = onDevice(current);
    if (feed == null || now != source) {
      feed = now.training(order, run.addresses());
      source = now;
    }
    return feed;
  }

  /** A data set on the device; copied there if it is not. */
  DeviceData onDevice(Dataset wanted) {
    return cache.get(wanted, data);
  }

  @Override
  public void close() {
    cache.close();
  }
}
