/** Trainer, losses, optimizers, schedules, checkpoints and batch-size studies. */
module dev.halfstep.train {
  exports dev.halfstep.data;
  exports dev.halfstep.files;
  exports dev.halfstep.graph;
  exports dev.halfstep.metric;
  exports dev.halfstep.nn;
  exports dev.halfstep.optim;
  exports dev.halfstep.random;
  exports dev.halfstep.schedule;
  exports dev.halfstep.session;
  exports dev.halfstep.study;
  exports dev.halfstep.train;

  requires transitive dev.halfstep;
  requires dev.halfstep.bindings;
  requires org.slf4j;
  requires static jdk.jfr; // see FlightRecorder
  requires static org.jspecify;
}
