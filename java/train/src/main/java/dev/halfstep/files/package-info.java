/** Files of weights, and writing files so that a kill leaves the old or the new one. */
@NullMarked
package dev.halfstep.files;

import org.jspecify.annotations.NullMarked;
