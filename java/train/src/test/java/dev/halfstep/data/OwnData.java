package dev.halfstep.data;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A user-defined data set, whose samples are not in memory. */
public final class OwnData implements Dataset {
  private final ArrayDataset place;
  private final AtomicInteger readings = new AtomicInteger();
  private Optional<String> identity = Optional.empty();
  private int damaged = -1;
  private RuntimeException problem;

  public OwnData(Dataset samples) {
    place = ArrayDataset.copyOf(samples);
  }

  /** Makes reading a sample fail from now on with this exception; null: with an IOException. */
  public OwnData damage(int sample, RuntimeException problem) {
    damaged = sample;
    this.problem = problem;
    return this;
  }

  public OwnData identity(String text) {
    identity = Optional.of(text);
    return this;
  }

  /** How many times samples were read. */
  public int readings() {
    return readings.get();
  }

  @Override
  public String name() {
    return place.name();
  }

  @Override
  public int size() {
    return place.size();
  }

  @Override
  public SampleForm form() {
    return place.form();
  }

  @Override
  public Optional<String> identity() {
    return identity;
  }

  @Override
  public void gather(int[] samples, SampleBatch batch) throws IOException {
    readings.incrementAndGet();
    if (Arrays.stream(samples).anyMatch(sample -> sample == damaged)) {
      if (problem != null) {
        throw problem;
      }
      throw new IOException("the disk is gone");
    }
    place.gather(samples, batch);
  }
}
