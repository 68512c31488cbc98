/* fork.h: what a forked child has to know about its parent: at which point of the parent's records it began.
 *
 * The forking thread writes a FORK mark just before the fork; the child's session names it, and the collector lets the child begin with the
 * blocks that were alive there. A child made without pthread_atfork's handlers (vfork, a bare clone) names nothing and begins with none.
 */
#ifndef ALLOCTRACE_FORK_H
#define ALLOCTRACE_FORK_H

#include "session/session.h"

/* Once, when the recording is armed. */
void fork_watch(void);

/* Keeps the data that a child's session inherits. Called in the child, while its parent's session is still mapped. The caller holds the
 * lock. */
void fork_leave_parent(const struct alloctrace_session *parent);

/* Returns where this process began, for the session that it opens now, and forgets it: later sessions begin with nothing. Under the lock.
 */
struct session_origin fork_take_origin(void);

#endif
