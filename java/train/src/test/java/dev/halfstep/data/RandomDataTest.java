package dev.halfstep.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

class RandomDataTest {
  @Test
  void sizesAreThoseOfTheStudy() {
    Split split = RandomData.unlearnable(1);
    assertEquals(1024, split.train().size());
    assertEquals(256, split.heldOut().size());
    assertEquals(Shape.of(1000), split.train().sampleShape());
    assertEquals(2, split.train().classes());
    assertEquals(1024, RandomData.learnable(1).train().size());
  }

  @Test
  void featuresAreStandardNormalAndLabelsEvenlyDrawn() {
    Dataset data = RandomData.unlearnable(2000, 1, 100, 3).train();
    double sum = 0;
    double squares = 0;
    double ones = 0;
    FloatBuffer x = floats(data);
    for (int i = 0; i < x.capacity(); i++) {
      sum += x.get(i);
      squares += x.get(i) * x.get(i);
    }
    for (int i = 0; i < data.size(); i++) {
      ones += data.label(i);
    }
    assertEquals(0, sum / x.capacity(), 0.01);
    assertEquals(1, squares / x.capacity(), 0.01);
    assertEquals(0.5, ones / data.size(), 0.05);
  }

  @Test
  void seedAndIndexAloneDecide() {
    Dataset few = RandomData.learnable(10, 5, 20, 8).heldOut();
    Dataset many = RandomData.learnable(12, 9, 20, 8).train();
    assertEquals(
        ArrayDataset.copyOf(few.slice(0, 2)).features().buffer(),
        ArrayDataset.copyOf(many.slice(10, 12)).features().buffer());
    assertEquals(few.label(0), many.label(10));
    Dataset other = RandomData.learnable(10, 5, 20, 9).heldOut();
    assertFalse(
        ArrayDataset.copyOf(few)
            .features()
            .buffer()
            .equals(ArrayDataset.copyOf(other).features().buffer()));
  }

  /** The difference of the class means is the best linear rule for these data. */
  @Test
  void onlyTheLearnableTwinCanBeLearned() {
    double learnable = accuracyOfMeanDifference(RandomData.learnable(1024, 2000, 1000, 4));
    assertTrue(learnable > 0.9 && learnable < 0.99, "learnable: " + learnable);
    double unlearnable = accuracyOfMeanDifference(RandomData.unlearnable(1024, 2000, 1000, 4));
    assertEquals(0.5, unlearnable, 0.04);
  }

  @Test
  void numbersMustBePositive() {
    assertThrows(IllegalArgumentException.class, () -> RandomData.unlearnable(0, 1, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> RandomData.learnable(1, 0, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> RandomData.learnable(1, 1, -1, 0));
  }

  private static double accuracyOfMeanDifference(Split split) {
    int features = Math.toIntExact(split.train().sampleShape().elements());
    double[] direction = new double[features];
    FloatBuffer x = floats(split.train());
    for (int i = 0; i < x.capacity(); i++) {
      direction[i % features] += split.train().label(i / features) == 1 ? x.get(i) : -x.get(i);
    }
    FloatBuffer test = floats(split.heldOut());
    double correct = 0;
    for (int i = 0; i < split.heldOut().size(); i++) {
      double along = 0;
      for (int f = 0; f < features; f++) {
        along += direction[f] * test.get(i * features + f);
      }
      correct += (along > 0 ? 1 : 0) == split.heldOut().label(i) ? 1 : 0;
    }
    return correct / split.heldOut().size();
  }

  private static FloatBuffer floats(Dataset data) {
    return ArrayDataset.copyOf(data).features().buffer().asFloatBuffer();
  }
}
