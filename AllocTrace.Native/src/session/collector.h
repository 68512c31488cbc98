/* collector.h: the process that drains the sessions of a recording when nobody else does.
 *
 * With ALLOCTRACE naming a database, the first process of the recording starts one collector for all of them, if the `alloctrace` command
 * stands beside this library. The host does not notice: the collector is nobody's child (no SIGCHLD, no wait status), has no descriptor of
 * the host's and no place in its session, process group or folder. A lock on FILE.lock says that there is one; the collector inherits it
 * locked, so there is no moment without it, and it is gone with the collector however that ends.
 */
#ifndef ALLOCTRACE_COLLECTOR_H
#define ALLOCTRACE_COLLECTOR_H

#include "session/options.h"

/* Finds the command, by the loader's list of images: when the recording is armed, since later may be in a forked child, and another thread
 * of the parent may have held the loader's lock. */
void collector_find_command(void);

/* Starts a collector unless there is one. The session is there already. Without the command, nothing: the session waits for
 * `alloctrace collect`. */
void collector_ensure(const struct options *options);

/* Waits, for a bounded time, until the collector lets this process end, so that the database is complete before the last process of the
 * recording is gone. Returns at once if no collector was started here. */
void collector_await(const struct options *options);

/* A thread waits for the collector: starts another one if that was killed. Not more often than needed; it takes a system call or two. */
void collector_replace(const struct options *options);

#endif
