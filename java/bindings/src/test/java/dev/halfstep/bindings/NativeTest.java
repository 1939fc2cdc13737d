package dev.halfstep.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.nio.Buffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NativeTest {
  @Test
  void theLibraryLoadsAndHasTheAbiOfItsHeader() {
    assertEquals(Native.HS_OK, Native.hs_check_abi(Native.HS_ABI_VERSION));
  }

  @Test
  void anotherAbiIsRefusedWithBothVersionsNamed() {
    assertNotEquals(Native.HS_OK, Native.hs_check_abi(4711));
    String message = Native.hs_last_error().getString();
    assertTrue(message.contains("4711"), message);
    assertTrue(message.contains(Integer.toString(Native.HS_ABI_VERSION)), message);
  }

  @Test
  void arraysArePassedWithoutACopy() {
    float[] src = {1, 2, 3, 4, 5};
    float[] dst = new float[5];
    assertEquals(Native.HS_OK, ArrayCalls.hs_copy(0, dst, src, 4 * Float.BYTES));
    assertArrayEquals(new float[] {1, 2, 3, 4, 0}, dst);
  }

  @Test
  void aNullArrayIsAddressZero() {
    assertEquals(
        Native.HS_INVALID_ARGUMENT, ArrayCalls.hs_copy(0, null, new float[1], Float.BYTES));
  }

  @Test
  void noBindingTakesABuffer() {
    for (Method method : Native.class.getMethods()) {
      assertTrue(
          Arrays.stream(method.getParameterTypes()).noneMatch(Buffer.class::isAssignableFrom),
          method::toString);
    }
  }
}
