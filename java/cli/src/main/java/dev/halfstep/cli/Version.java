package dev.halfstep.cli;

import dev.halfstep.report.HalfstepVersion;
import picocli.CommandLine.IVersionProvider;

/** The text of {@code --version}. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"halfstep " + HalfstepVersion.current()};
  }
}
