package dev.halfstep.cli;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a run cleanly on SIGINT (Ctrl-C), SIGTERM or SIGHUP (a closed terminal): after the first one
 * the trainer stops at its next check and the files are written; a second SIGINT or SIGTERM ends
 * the program at once. {@code close} restores the earlier handlers.
 *
 * <p>A shutdown hook could not do this: the JVM handles no second signal while hooks run. The
 * handlers are {@code sun.misc.Signal}'s, which the module jdk.unsupported exports for good (JEP
 * 260); they are reached by reflection because the compiler's warning about them cannot be switched
 * off. Where they cannot be set (a JVM started with -Xrs, one without that module), signals end the
 * program as they would without this class.
 */
final class Interruption implements Callback, AutoCloseable {
  /** The exit status is this plus the signal's number, as in shells. */
  private static final int SIGNAL_BASE = 128;

  /**
   * A repetition within this time is not meant as a second signal: timeout(1) signals a program and
   * then its whole group.
   */
  private static final long REPETITION_NANOS = 500_000_000;

  private static final Logger log = LoggerFactory.getLogger(Interruption.class);

  private final List<Runnable> restore = new ArrayList<>();
  private volatile Received received = new Received("", 0);
  private boolean asked; // by SIGINT or SIGTERM, at this time
  private long askedAt;

  /** A signal that came; number 0 for none. */
  private record Received(String name, int number) {}

  private Interruption() {}

  /** Listens to SIGINT, SIGTERM and SIGHUP from now on, as far as this JVM lets it. */
  static Interruption listen() {
    Interruption interruption = new Interruption();
    for (String name : List.of("INT", "TERM", "HUP")) {
      try {
        interruption.handle(name);
      } catch (InvocationTargetException e) {
        log.debug("SIG{} cannot be handled", name, e.getCause());
      } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
        log.debug("SIG{} cannot be handled", name, e);
      }
    }
    return interruption;
  }

  /** The exit status if a signal came: 128 and its number, 130 for SIGINT; otherwise 0. */
  int status() {
    return received.number() == 0 ? 0 : SIGNAL_BASE + received.number();
  }

  @Override
  public void fitBegin(Fit fit) {
    look(fit);
  }

  @Override
  public void stepsEnd(Fit fit, StepBlock steps) {
    look(fit);
  }

  @Override
  public void epochEnd(Fit fit, EpochRecord epoch) {
    look(fit);
  }

  private void look(Fit fit) {
    if (received.number() != 0) {
      fit.stop("interrupted by SIG" + received.name());
    }
  }

  /** Restores the handlers that were set before. */
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
            log.debug("SIG{} cannot be given back", name, e);
          }
        });
  }

  private synchronized void receive(String name, int number) {
    if (received.number() == 0) {
      received = new Received(name, number);
    }
    if (name.equals("HUP")) {
      return; // SIGHUP may come many times; it never ends the program at once
    }
    long now = System.nanoTime();
    if (!asked) {
      asked = true;
      askedAt = now;
    } else if (now - askedAt > REPETITION_NANOS) {
      Runtime.getRuntime().halt(SIGNAL_BASE + number);
    }
  }
}
