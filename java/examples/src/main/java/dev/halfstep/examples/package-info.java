/** Programs to start from; each is run, for a short while, by the build. */
@NullMarked
package dev.halfstep.examples;

import org.jspecify.annotations.NullMarked;
