package dev.halfstep.cli;

import dev.halfstep.files.AtomicFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: parses, runs, and turns whatever goes wrong into a message and a status. */
final class Cli {
  /** A run that failed. */
  static final int FAILED = 1;

  /** Bad use: nothing has happened. */
  static final int BAD_USE = 2;

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
            .addSubcommand(new LrFindCommand(out, err))
            .addSubcommand(new StudyCommand(out, err))
            .addSubcommand(new AdviseCommand(out))
            .setOut(out)
            .setErr(err)
            .setUsageHelpLongOptionsMaxWidth(28)
            .setParameterExceptionHandler((exception, arguments) -> badUse(exception))
            .setExecutionExceptionHandler((exception, line, result) -> failure(exception, line));
    withNumbers(commandLine);
    try {
      return commandLine.execute(args);
    } catch (OutOfMemoryError e) {
      err.println("halfstep: the Java heap is too small (" + e.getMessage() + ")");
      err.println("Give it more with JAVA_TOOL_OPTIONS=-Xmx8g.");
    } catch (LinkageError e) {
      log.debug("cannot be loaded", e);
      err.println("halfstep: " + oneLine(e));
    }
    return FAILED;
  }

  /** Lets a command line say what is wrong with a number. */
  static CommandLine withNumbers(CommandLine line) {
    ITypeConverter<Integer> whole =
        text -> number(text, "a whole number up to 2147483647", Integer::valueOf);
    ITypeConverter<Long> longWhole =
        text -> number(text, "a whole number of at most 63 bits", Long::valueOf);
    ITypeConverter<Double> real = text -> number(text, "a number", Double::valueOf);
    line.registerConverter(int.class, whole).registerConverter(Integer.class, whole);
    line.registerConverter(long.class, longWhole).registerConverter(Long.class, longWhole);
    line.registerConverter(double.class, real).registerConverter(Double.class, real);
    return line;
  }

  private static <T> T number(String text, String kind, Function<String, T> parse) {
    try {
      return parse.apply(text.strip());
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + text + "' is not " + kind);
    }
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
    err.println(name + ": " + Line.of(message.lines().findFirst().orElse("")));
    err.println(
        (suggestions.isEmpty() ? "" : "Did you mean " + String.join(" or ", suggestions) + "? ")
            + "All that is possible: "
            + name
            + " --help");
    return BAD_USE;
  }

  private int failure(Exception exception, CommandLine line) {
    String name = line.getCommandSpec().qualifiedName();
    log.debug("{} failed", name, exception);
    if (exception instanceof UsageException) {
      err.println(name + ": " + exception.getMessage());
      return BAD_USE;
    }
    err.println(name + ": " + oneLine(exception));
    return FAILED;
  }

  /** What went wrong, on one line, with the file where there is one, and without a trace. */
  static String oneLine(Throwable thrown) {
    return Line.of(said(cause(thrown)));
  }

  /** What is behind exceptions that only carry another. */
  private static Throwable cause(Throwable thrown) {
    Throwable cause = thrown.getCause();
    boolean saysNoMore = String.valueOf(cause).equals(thrown.getMessage());
    boolean carries =
        (thrown instanceof UncheckedIOException && saysNoMore)
            || thrown instanceof InvocationTargetException
            || thrown instanceof ExecutionException
            || thrown instanceof CompletionException;
    return carries && cause != null ? cause(cause) : thrown;
  }

  private static String said(Throwable thrown) {
    if (thrown instanceof FileSystemException e) {
      return e.getFile() + ": " + AtomicFile.reason(e);
    }
    if (thrown instanceof ClosedByInterruptException) {
      return "the thread was interrupted while it wrote";
    }
    String message = thrown.getMessage();
    boolean silent = message == null || message.isBlank();
    boolean tellsItself =
        thrown instanceof IOException
            || thrown instanceof UncheckedIOException
            || thrown instanceof IllegalArgumentException
            || thrown instanceof IllegalStateException
            || thrown.getClass().getPackageName().startsWith("dev.halfstep");
    if (tellsItself && !silent) {
      return String.valueOf(message);
    }
    // What nobody foresaw: its name is what there is to report.
    return thrown.getClass().getSimpleName() + (silent ? "" : ": " + message);
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
          "Possible are devices, plan, train, predict, lr-find, study and advise; more: halfstep"
              + " --help");
    }
  }
}
