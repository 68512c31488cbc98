#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "capture/recording.h"
#include "capture/records.h"
#include "check.h"
#include "fake_python.h"

static volatile uintptr_t nowhere = 16; /* the compiler is not to know */

static uintptr_t fault_in_python(void)
{
    return *(volatile uintptr_t *)nowhere;
}

static struct alloctrace_crash *crash_of_session(void)
{
    return (struct alloctrace_crash *)session.extent[ALLOCTRACE_EXTENT_CRASH][0];
}

/* The handler that was there before: it comes when the report is written, and finds all that could be. */
static void after_report(int signal, siginfo_t *info, void *context)
{
    (void)context;
    const struct alloctrace_crash *crash = crash_of_session();
    const struct alloctrace_crash_thread *thread = (const void *)((const char *)crash + ALLOCTRACE_CRASH_THREADS_OFFSET);
    const struct alloctrace_crash_allocation *last = (const void *)((const char *)crash + ALLOCTRACE_CRASH_ALLOCATIONS_OFFSET);
    CHECK(signal == SIGSEGV && info->si_addr == (void *)16);
    CHECK(crash->state == ALLOCTRACE_CRASH_WRITTEN && crash->signal == SIGSEGV && crash->code == info->si_code && crash->address == 16);
    CHECK(crash->nested_signal == SIGSEGV);
    CHECK(crash->threads == 1 && crash->threads_in_all == 1 && thread->flags == ALLOCTRACE_CRASH_THREAD_CRASHED);
    CHECK(thread->runtime == UINT32_MAX && thread->frames == 0 && thread->identifier == (uint64_t)pthread_self());
    CHECK(crash->os_id == thread->os_id && crash->os_id == os_thread_id());
    CHECK(crash->allocations == 3);
    CHECK(last[0].kind == ALLOCTRACE_RECORD_FREE && last[0].address == 0x2000 && last[0].domain == ALLOCTRACE_DOMAIN_MEM);
    CHECK(last[1].kind == ALLOCTRACE_RECORD_CALLOC && last[1].address == 0x2000 && last[1].size == UINT64_C(1) << 40);
    CHECK(last[2].kind == ALLOCTRACE_RECORD_MALLOC && last[2].address == 0x1000 && last[2].size == 10);
    _exit(0);
}

void a_fault_in_the_crash_handler_loses_nothing(void)
{
#ifdef __SANITIZE_THREAD__
    return; /* its runtime puts a handler of its own in front, which blocks all signals: a fault in it ends the program */
#endif
    struct sigaction action = {.sa_sigaction = after_report, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    open_test_session_with(8u << 20, "crash=on");
    fake_runtime->python.own_thread_state = fault_in_python;
    fake_runtime->python.attached_thread_state = fault_in_python;
    fake_runtime->python.state = 4096; /* nothing is there: not even the list of interpreters */
    struct thread_capture *thread = thread_enter();
    CHECK(thread);
    record_block(thread, ALLOCTRACE_RECORD_MALLOC, ALLOCTRACE_DOMAIN_OBJ, (void *)0x1000, 10, 0);
    record_block(thread, ALLOCTRACE_RECORD_CALLOC, ALLOCTRACE_DOMAIN_MEM, (void *)0x2000, (size_t)1 << 40, 0);
    record_address(thread, ALLOCTRACE_RECORD_FREE, ALLOCTRACE_DOMAIN_MEM, (void *)0x2000);
    thread_leave(thread);
    CHECK(crash_of_session()->state == ALLOCTRACE_CRASH_NONE);
    CHECK(*(volatile int *)nowhere == 0 && false); /* never comes here */
}

static volatile int caught;

static void go_on(int signal)
{
    caught = signal;
}

/* A signal that was sent comes to who handled it before, and one that was ignored stays ignored. */
void signals_are_passed_on_as_they_came(void)
{
    signal(SIGABRT, go_on);
    signal(SIGFPE, SIG_IGN);
    open_test_session_with(8u << 20, "crash=on");
    struct thread_capture *thread = thread_enter();
    CHECK(thread);
    thread_leave(thread);
    fake_runtime->used = false; /* no Python at all */
    raise(SIGFPE);
    CHECK(caught == 0 && crash_of_session()->state == ALLOCTRACE_CRASH_NONE);
    raise(SIGABRT);
    CHECK(caught == SIGABRT && crash_of_session()->state == ALLOCTRACE_CRASH_WRITTEN && crash_of_session()->signal == SIGABRT);
    CHECK(crash_of_session()->sender_pid == (uint32_t)getpid() && crash_of_session()->threads == 1
          && crash_of_session()->nested_signal == 0);
}
