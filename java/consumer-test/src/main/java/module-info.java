/** A user's module: it names Halfstep, neither its bindings nor its native libraries. */
module dev.halfstep.consumer {
  requires dev.halfstep.train;
}
