package dev.halfstep.cli;

import dev.halfstep.report.OneLine;
import java.io.PrintWriter;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: parses, runs, and turns whatever goes wrong into a message and a status. */
final class Cli {
  private static final Logger log = LoggerFactory.getLogger(Cli.class);

  private final PrintWriter out;
  private final PrintWriter err;

  /** A command line that prints results to {@code out} and messages to {@code err}. */
  Cli(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  /** Runs the command that the arguments name and returns the exit status. */
  int run(String... args) {
    CommandLine commandLine =
        new CommandLine(new Halfstep())
            .addSubcommand(new DevicesCommand(out))
            .addSubcommand(new PlanCommand(out))
            .addSubcommand(new TrainCommand(out, err))
            .addSubcommand(new PredictCommand(out))
            .addSubcommand(new ExportCommand(out))
            .addSubcommand(new LrFindCommand(out, err))
            .addSubcommand(new StudyCommand(out, err))
            .addSubcommand(new AdviseCommand(out))
            .setOut(out)
            .setErr(err)
            .setUsageHelpLongOptionsMaxWidth(28)
            .setParameterExceptionHandler((exception, arguments) -> badUse(exception))
            .setExecutionExceptionHandler((exception, line, result) -> failure(exception, line));
    NumberConverters.register(commandLine);
    try {
      return commandLine.execute(args);
    } catch (OutOfMemoryError e) {
      err.println("halfstep: the Java heap is too small (" + e.getMessage() + ")");
      err.println("Give it more with JAVA_TOOL_OPTIONS=-Xmx8g.");
    } catch (LinkageError e) {
      log.debug("cannot be loaded", e);
      err.println("halfstep: " + FailureText.of(e));
    }
    return ExitStatus.FAILED;
  }

  private int badUse(ParameterException exception) {
    String name = exception.getCommandLine().getCommandSpec().qualifiedName();
    List<String> suggestions = List.of();
    String message = String.valueOf(exception.getMessage());
    if (exception instanceof UnmatchedArgumentException unmatched) {
      String first = unmatched.getUnmatched().get(0);
      boolean option = unmatched.isUnknownOption();
      boolean command = !option && exception.getCommandLine().getParent() == null;
      message =
          (option ? "unknown option " : command ? "unknown command " : "surplus word ") + first;
      suggestions = option || command ? unmatched.getSuggestions() : List.of();
    }
    err.println(name + ": " + OneLine.of(message.lines().findFirst().orElse("")));
    err.println(
        (suggestions.isEmpty() ? "" : "Did you mean " + String.join(" or ", suggestions) + "? ")
            + "All that is possible: "
            + name
            + " --help");
    return ExitStatus.BAD_USE;
  }

  private int failure(Exception exception, CommandLine line) {
    String name = line.getCommandSpec().qualifiedName();
    log.debug("{} failed", name, exception);
    if (exception instanceof UsageException) {
      err.println(name + ": " + exception.getMessage());
      return ExitStatus.BAD_USE;
    }
    err.println(name + ": " + FailureText.of(exception));
    return ExitStatus.FAILED;
  }

  /** The program itself: it does nothing without a command. */
  @Command(
      name = "halfstep",
      description = "Trains neural networks at the speed of the hardware.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class,
      synopsisSubcommandLabel = "COMMAND",
      footer = {
        "",
        "Exit status: 0 success, 1 a run failed, 2 bad use or bad input (nothing has",
        "happened), 130, 143 or 129 a run was ended by SIGINT, SIGTERM or SIGHUP, its",
        "files written."
      })
  static final class Halfstep implements Runnable {
    @Override
    public void run() {
      throw new UsageException(
          "no command given.",
          "Possible are devices, plan, train, predict, export, lr-find, study and advise; more:"
              + " halfstep --help");
    }
  }
}
