/* environment.h: the variables that switch a recording on, and CPython's own as a sign of life. */
#ifndef ALLOCTRACE_ENVIRONMENT_H
#define ALLOCTRACE_ENVIRONMENT_H

#include <stdbool.h>

#include "platform/image.h"

/* Reads ALLOCTRACE and ALLOCTRACE_OPTIONS and arms the recording. False: they do not ask for one, or it cannot be (a message said why). */
bool environment_arm(void);

/* With children=off, programs that this process starts are to be left alone: from here on its environment names no recording. */
void environment_python_was_found(void);

/* True where this library was preloaded or is linked with the executable: what it exports comes before the C library's. Loaded later
 * (dlopen, ctypes, P/Invoke) it does nothing by itself. */
bool environment_is_called_by_name(void);

/* Finds the functions of the C library that this library's own hide. Takes the loader's lock, so it is done in the constructor. */
void environment_find_functions(void);

/* Where this library was loaded later than the C library: makes hosts' symbol look-ups come by here all the same. Under the loader's lock.
 */
void environment_watch_hosts(void);

/* Makes a CPython ask this library for its variables, where it would not by itself. getenv_there: that of its own C library when it is in a
 * namespace of its own (of several such namespaces the first's is used: they began with the same variables); else NULL. */
void environment_watch(const struct image *python, void *getenv_there);

#endif
