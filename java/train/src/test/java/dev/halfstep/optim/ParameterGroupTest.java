package dev.halfstep.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.nn.BatchNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterGroupTest {
  private final SessionBuilder options =
      TrainingSession.builder(
          Model.of(Shape.of(4), Sequential.of(new Linear(3), new BatchNorm(), new Linear(2))));

  @ParameterizedTest
  @CsvSource({
    "0.*, 0.weight, true",
    "0.*, 10.weight, false",
    "0.*, 0xweight, false",
    "*.bias, encoder.0.bias, true",
    "*.bias, encoder.0.bias2, false",
    "encoder.*.weight, encoder.0.linear.weight, true",
    "?.weight, 0.weight, true",
    "?.weight, 10.weight, false",
    "0.weight, 0.weight, true",
    "[0-9].weight, 0.weight, false",
    "*, anything, true",
  })
  void starsStandForAnyCharacters(String pattern, String name, boolean matches) {
    assertEquals(matches, ParameterGroup.of(pattern).matches(name));
  }

  @Test
  void theFirstGroupThatMatchesCounts() {
    List<ParameterGroup> groups =
        List.of(
            ParameterGroup.of("0.bias").withRate(0.5),
            ParameterGroup.of("0.*").withRate(0.1).withDecay(0));
    assertEquals(0.5, ParameterGroup.find(groups, "0.bias").rate());
    assertEquals(1, ParameterGroup.find(groups, "0.bias").decay());
    assertEquals(0.1, ParameterGroup.find(groups, "0.weight").rate());
    assertEquals(0, ParameterGroup.find(groups, "0.weight").decay());
    assertEquals(1, ParameterGroup.find(groups, "2.weight").rate());
    assertEquals(1, ParameterGroup.find(groups, "2.weight").decay());
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, Double.NaN, Double.POSITIVE_INFINITY, 1e39})
  void factorsThatAreNoneAreRefused(double factor) {
    ParameterGroup group = ParameterGroup.of("0.*");
    var refused = assertThrows(IllegalArgumentException.class, () -> group.withRate(factor));
    assertEquals(
        "the factor of the learning rate of the parameter group 0.* must be finite and not"
            + " negative, not "
            + factor,
        refused.getMessage());
    assertThrows(IllegalArgumentException.class, () -> group.withDecay(factor));
  }

  /** Running statistics are not trained, so a group cannot consist of them. */
  @ParameterizedTest
  @ValueSource(strings = {"3.*", "weight", "", "1.running_mean"})
  void aGroupWithoutParametersIsRefusedWithTheNamesThereAre(String pattern) {
    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> options.groups(ParameterGroup.of(pattern)));
    assertEquals(
        "no parameter that is trained matches the group "
            + pattern
            + ": there are [0.weight, 0.bias, 1.weight, 1.bias, 2.weight, 2.bias]",
        refused.getMessage());
  }

  @Test
  void aGroupWhoseParametersAreAllTakenIsRefused() {
    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> options.groups(ParameterGroup.of("*"), ParameterGroup.of("0.*").withRate(0.1)));
    assertTrue(refused.getMessage().contains("group 0.* are all in groups before it"));
  }
}
