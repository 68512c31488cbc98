/* environment.h: the variables that switch a recording on, and CPython's own as a sign of life. */
#ifndef ALLOCTRACE_ENVIRONMENT_H
#define ALLOCTRACE_ENVIRONMENT_H

#include <stdbool.h>

/* Reads ALLOCTRACE and ALLOCTRACE_OPTIONS and arms the recording. False: they do not ask for one, or it cannot be (a message said why). */
bool environment_arm(void);

/* Returns true if this library was preloaded or is linked with the executable: its exports then come before the C library's. Loaded later
 * (dlopen, ctypes, P/Invoke) it does nothing by itself. */
bool environment_is_called_by_name(void);

/* Finds the functions of the C library that this library's own hide, and listens for CPythons (runtimes.h). Takes the loader's lock, so the
 * constructor calls it. */
void environment_begin(void);

#endif
