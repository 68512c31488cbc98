/* dlsym.h: the function that this library exports as dlsym, by a name that is certainly its own. */
#ifndef ALLOCTRACE_DLSYM_H
#define ALLOCTRACE_DLSYM_H

__attribute__((visibility("hidden"))) void *alloctrace_dlsym(void *handle, const char *name);

#endif
