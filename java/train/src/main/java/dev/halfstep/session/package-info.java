/**
 * Training steps of one model on one device: memory, plans, data, and the steps themselves, for
 * callers who own the loop.
 */
@NullMarked
package dev.halfstep.session;

import org.jspecify.annotations.NullMarked;
