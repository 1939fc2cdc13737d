/** The native libraries of Halfstep for Linux on x86-64. */
module dev.halfstep.natives.linux.x86_64 {
  requires dev.halfstep.bindings;
  requires org.bytedeco.javacpp.linux.x86_64;

  provides dev.halfstep.bindings.spi.NativeProvider with
      dev.halfstep.natives.linux_x86_64.Natives;
}
