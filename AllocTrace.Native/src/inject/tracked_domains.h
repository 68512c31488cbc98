/* tracked_domains.h: seeing the blocks that extensions report to tracemalloc (numpy's buffers, for one), tracemalloc running or not.
 *
 * Where libpython is a library of its own, the functions exported here come before its own in the symbol order. Where the interpreter is
 * the executable, its own come first: then the pointers through which extensions call them are redirected, once an extension is loaded.
 */
#ifndef ALLOCTRACE_TRACKED_DOMAINS_H
#define ALLOCTRACE_TRACKED_DOMAINS_H

/* Looks through libraries loaded since the last time. Cheap when there are none. Not for forked children: another thread may have held the
 * loader's lock when they were made. */
void tracked_domains_redirect_new_libraries(void);

#endif
