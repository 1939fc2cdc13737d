/** Classes that only Halfstep's own modules may use. They change without notice. */
@NullMarked
package dev.halfstep.internal;

import org.jspecify.annotations.NullMarked;
