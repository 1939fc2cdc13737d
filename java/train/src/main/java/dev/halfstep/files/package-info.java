/** Files of weights, and writing files such that a crash leaves either the old or the new one. */
@NullMarked
package dev.halfstep.files;

import org.jspecify.annotations.NullMarked;
