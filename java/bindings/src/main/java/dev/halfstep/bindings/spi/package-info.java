/** How jars of native libraries announce themselves. */
package dev.halfstep.bindings.spi;
