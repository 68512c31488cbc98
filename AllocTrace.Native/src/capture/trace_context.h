/* trace_context.h: the span that a thread works for, where an OpenTelemetry SDK publishes it (OTEP 4947, "Thread Context": the exported
 * thread-local pointer otel_thread_ctx_v1). docs/trace-context.md says which part of it is read.
 */
#ifndef ALLOCTRACE_TRACE_CONTEXT_H
#define ALLOCTRACE_TRACE_CONTEXT_H

#include "capture/thread.h"

/* Looks for publishers among the loaded images. Under the loader's lock, so that they are relocated. */
void trace_context_look(void);

/* Writes a CONTEXT record if the calling thread publishes a context: of the thread's next block. For samples only, because it makes a
 * system call or two then. Reads what is published as untrusted memory: a wild pointer costs the sample its span, not the program its life.
 */
void trace_context_record(struct thread_capture *thread);

#endif
