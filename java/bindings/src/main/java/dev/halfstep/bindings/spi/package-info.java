/** The service by which jars of native libraries are found. */
package dev.halfstep.bindings.spi;
