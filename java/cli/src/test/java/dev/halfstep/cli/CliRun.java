package dev.halfstep.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * What a command line did.
 *
 * @param status its exit status
 * @param out what it printed
 * @param err its messages
 */
record CliRun(int status, String out, String err) {
  static CliRun of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = new Cli(new PrintWriter(out, true), new PrintWriter(err, true)).run(args);
    return new CliRun(status, out.toString(), err.toString());
  }
}
