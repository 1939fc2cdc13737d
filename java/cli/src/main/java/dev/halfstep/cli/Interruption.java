package dev.halfstep.cli;

import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import dev.halfstep.train.StepBlock;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * Ends a run cleanly on SIGINT (Ctrl-C) or SIGTERM: the first one lets the trainer stop at its next
 * look and the files be written; a second one ends the program at once. Restores the handlers that
 * it found when it is closed.
 *
 * <p>A shutdown hook could not do this: the JVM hears no second signal while hooks run. The
 * handlers are {@code sun.misc.Signal}'s, which the module jdk.unsupported exports for good (JEP
 * 260); they are reached by reflection because the compiler's warning about them cannot be switched
 * off.
 */
final class Interruption implements Callback, AutoCloseable {
  /** What a signal's number is added to for the exit status, as shells do. */
  private static final int SIGNAL_BASE = 128;

  private final List<Runnable> restore = new ArrayList<>();
  private volatile Received received = new Received("", 0);

  /** A signal that came; number 0 for none. */
  private record Received(String name, int number) {}

  private Interruption() {}

  /** Listens to SIGINT and SIGTERM from now on. */
  static Interruption listen() throws ReflectiveOperationException {
    Interruption interruption = new Interruption();
    interruption.handle("INT");
    interruption.handle("TERM");
    return interruption;
  }

  /** The exit status if a signal came: 130 for SIGINT, 143 for SIGTERM; otherwise 0. */
  int status() {
    return received.number() == 0 ? 0 : SIGNAL_BASE + received.number();
  }

  @Override
  public void stepsEnd(Fit fit, StepBlock steps) {
    if (received.number() != 0) {
      fit.stop("interrupted by SIG" + received.name());
    }
  }

  /** Puts the handlers back that were there before. */
  @Override
  public void close() {
    restore.forEach(Runnable::run);
  }

  private void handle(String name) throws ReflectiveOperationException {
    Class<?> signalType = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    Object signal = signalType.getConstructor(String.class).newInstance(name);
    int number = (Integer) signalType.getMethod("getNumber").invoke(signal);
    Object handler =
        Proxy.newProxyInstance(
            Interruption.class.getClassLoader(),
            new Class<?>[] {handlerType},
            (proxy, method, arguments) -> {
              if (method.getName().equals("handle")) {
                receive(name, number);
                return null;
              }
              return method.getName().equals("equals")
                  ? (Object) (proxy == arguments[0])
                  : (Object)
                      (method.getName().equals("hashCode")
                          ? System.identityHashCode(proxy)
                          : "handler of SIG" + name);
            });
    Method install = signalType.getMethod("handle", signalType, handlerType);
    Object before = install.invoke(null, signal, handler);
    restore.add(
        () -> {
          try {
            install.invoke(null, signal, before);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("SIG" + name + " cannot be given back", e);
          }
        });
  }

  private void receive(String name, int number) {
    if (received.number() != 0) {
      Runtime.getRuntime().halt(SIGNAL_BASE + number);
    }
    received = new Received(name, number);
  }
}
