package dev.halfstep.cli;

import java.io.PrintWriter;
import java.nio.charset.Charset;

/** The program {@code halfstep}. */
public final class Main {
  private Main() {}

  /** Runs the command that the arguments name and ends the JVM with its exit status. */
  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    PrintWriter out = new PrintWriter(System.out, true, Charset.defaultCharset());
    PrintWriter err = new PrintWriter(System.err, true, Charset.defaultCharset());
    int status = new Cli(out, err).run(args);
    if (out.checkError()) {
      err.println("halfstep: standard output cannot be written: what was printed is incomplete");
      status = status == 0 ? ExitStatus.FAILED : status;
    }
    err.flush();
    System.exit(status);
  }
}
