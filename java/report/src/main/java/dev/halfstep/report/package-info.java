/**
 * Reports and figures of runs, plans and studies. The command line writes its files with this
 * package, and any program can.
 *
 * <pre>{@code
 * History history = trainer.fit();
 * Report.of(trainer, history).write(Path.of("report.json"));
 * CurvesFigure.of(history).writePng(Path.of("training_curves.png"));
 * }</pre>
 *
 * <p>A document is a record whose fields are those of its JSON file: {@link
 * dev.halfstep.report.Report} of a run, {@link dev.halfstep.report.PlanReport} of a run to come,
 * {@link dev.halfstep.report.RangeTestReport} of a search for the learning rate, {@link
 * dev.halfstep.report.StudyReport} of a comparison of batch sizes. A {@link
 * dev.halfstep.report.RunDescription} holds texts that a trainer does not know, such as the name of
 * the data's file.
 *
 * <p>Figures need the module java.desktop and, for their texts, fonts of the system. They need no
 * screen: the JVM may run with {@code -Djava.awt.headless=true}. All else here works without
 * java.desktop, where the class path is used.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.report;
