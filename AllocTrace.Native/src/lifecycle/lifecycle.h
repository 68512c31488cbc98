/* lifecycle.h: how the recording of this process begins, gets its session, stops and ends (capture/recording.h has its states). It connects
 * what lies below: capture, the session, the collector, the crash handler.
 */
#ifndef ALLOCTRACE_LIFECYCLE_H
#define ALLOCTRACE_LIFECYCLE_H

#include <stdbool.h>

#include "session/options.h"

/* Before any hook goes in. False: it cannot be done here, and lifecycle_tell_refusal says why. Armed again after it was stopped, the
 * recording stays off until lifecycle_resume. */
bool lifecycle_arm(const struct options *options);
void lifecycle_resume(void);

/* Writes one line if arming was refused, once there is a CPython: other programs get no message. */
void lifecycle_tell_refusal(void);

/* Makes sure that there is a session of this process. Under the recording lock. False: there cannot be one; the recording is off. */
bool lifecycle_make_session(void);

/* Ends the recording while the process continues: no thread writes any more. With wait, blocks until the collector is done, for a bounded
 * time. The recording can be armed again afterwards. Returns true if certainly no thread reads the session any more. */
bool lifecycle_stop(bool wait);

/* Unmaps a stopped recording, and closes its file. Only after lifecycle_stop returned true. */
void lifecycle_release(void);

/* The process ends of its own accord. Safe in a child made by vfork. */
void lifecycle_end(void);

#endif
