package dev.halfstep.cli;

import dev.halfstep.report.HalfstepVersion;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} says. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"halfstep " + HalfstepVersion.current()};
  }
}
