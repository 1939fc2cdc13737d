package dev.halfstep.benchmarks;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Fork;
import dev.halfstep.benchmarks.harness.Work;
import dev.halfstep.bindings.Native;
import java.util.List;
import java.util.Locale;

/**
 * Halfstep as a contender: in FP32 on the CPU unless the setting says otherwise. A setting is a
 * list of words: {@code 2 threads}, {@code cuda}, {@code bf16}, {@code f16}.
 */
public final class HalfstepContender implements Contender {
  /** Times the works that the arguments name: see {@link Fork}. */
  public static void main(String[] arguments) {
    Fork.main(new HalfstepContender(), arguments);
  }

  @Override
  public String name() {
    return "halfstep";
  }

  /** The library's version and its compiler, such as {@code 1.2.3, gcc 12.2.0}. */
  @Override
  public String version() {
    return Native.hs_version().getString().replace(" (", ", ").replace(")", "");
  }

  @Override
  public List<String> settings(Work work) {
    return List.of(threads(Device.threads()));
  }

  /** The setting for this number of threads. */
  static String threads(int count) {
    return count == 1 ? "1 thread" : count + " threads";
  }

  @Override
  public Training training(Work work, String setting) {
    applyThreads(setting);
    return new HalfstepTraining(work.network(), work.size(0), device(setting), type(setting));
  }

  @Override
  public Kernel kernel(Work work, String setting) {
    applyThreads(setting);
    return HalfstepKernels.of(work, device(setting), type(setting));
  }

  private static void applyThreads(String setting) {
    String[] words = setting.split(" ", -1);
    for (int i = 1; i < words.length; i++) {
      if (words[i].startsWith("thread")) {
        Device.threads(Integer.parseInt(words[i - 1]));
      }
    }
  }

  private static String device(String setting) {
    return List.of(setting.split(" ", -1)).contains("cuda") ? "cuda" : "cpu";
  }

  private static DType type(String setting) {
    for (String word : setting.split(" ", -1)) {
      if (word.equals("bf16") || word.equals("f16")) {
        return DType.valueOf(word.toUpperCase(Locale.ROOT));
      }
    }
    return DType.F32;
  }
}
