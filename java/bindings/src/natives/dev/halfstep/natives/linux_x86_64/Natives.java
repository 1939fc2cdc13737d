package dev.halfstep.natives.linux_x86_64;

import dev.halfstep.bindings.spi.NativeProvider;
import java.net.URL;

/** The jar with {@code libhalfstep.so} and its JNI glue. */
public final class Natives implements NativeProvider {
  @Override
  public URL find(String fileName) {
    return Natives.class.getResource("/dev/halfstep/bindings/linux-x86_64/" + fileName);
  }
}
