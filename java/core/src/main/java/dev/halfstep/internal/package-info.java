/** What Halfstep's own modules share and nobody else may use: it changes without notice. */
@NullMarked
package dev.halfstep.internal;

import org.jspecify.annotations.NullMarked;
