package dev.halfstep.bindings;

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
  void noBindingTakesABuffer() {
    for (Method method : Native.class.getMethods()) {
      assertTrue(
          Arrays.stream(method.getParameterTypes()).noneMatch(Buffer.class::isAssignableFrom),
          method::toString);
    }
  }
}
