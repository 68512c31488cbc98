/* check.h: the whole test harness of the C parts. A test is a function; a failed CHECK says where and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                                                   \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                        \
            exit(1);                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

/* Every test of the parts: X(name), in the file that tests that part. */
#define TESTS(X)                                                                                                                           \
    X(id_table_finds_what_was_added)                                                                                                       \
    X(id_table_is_found_while_it_grows)                                                                                                    \
    X(code_cache_forgets_only_what_was_freed)                                                                                              \
    X(nodes_are_kept_once)                                                                                                                 \
    X(strings_do_not_cross_extents)                                                                                                        \
    X(text_is_written_as_utf8)                                                                                                             \
    X(text_that_is_too_long_is_cut_at_a_character)                                                                                         \
    X(slabs_given_back_are_taken_first)                                                                                                    \
    X(slabs_end_at_the_limit)                                                                                                              \
    X(records_of_two_threads_have_rising_tickets)                                                                                          \
    X(records_that_find_no_slab_are_counted)                                                                                               \
    X(threads_record_while_slabs_are_drained)                                                                                              \
    X(a_thread_that_waits_for_room_is_not_cancelled)                                                                                       \
    X(a_thread_that_is_cancelled_holds_no_lock)                                                                                            \
    X(images_that_the_loader_has_not_finished_are_counted)                                                                                 \
    X(a_call_under_the_loaders_lock_is_made_once)                                                                                          \
    X(mappings_are_found_with_their_paths)                                                                                                 \
    X(rules_lead_to_the_callers_that_backtrace_finds)                                                                                      \
    X(marks_are_forgotten_with_the_code)                                                                                                   \
    X(options_are_parsed)                                                                                                                  \
    X(options_that_are_wrong_are_told)                                                                                                     \
    X(sampling_distances_are_logarithms)                                                                                                   \
    X(sampling_remembers_the_blocks_that_it_took)                                                                                          \
    X(sampling_takes_its_share)                                                                                                            \
    X(line_tables_of_any_bytes_stay_in_bounds)                                                                                             \
    X(line_table_marks_find_what_the_beginning_finds)                                                                                      \
    X(a_session_grows_only_where_there_is_room)                                                                                            \
    X(a_fault_in_the_crash_handler_loses_nothing)                                                                                          \
    X(stacks_of_a_running_thread_are_read_without_harm)                                                                                    \
    X(signals_are_passed_on_as_they_came)                                                                                                  \
    X(a_copy_holds_the_memory_of_its_moment)                                                                                               \
    X(a_copy_holds_no_end_of_a_pipe_while_it_lives)                                                                                        \
    X(a_copy_keeps_no_file_open)                                                                                                           \
    X(a_copy_is_not_seen_by_the_programs_waits)                                                                                            \
    X(a_request_is_served_once_and_costs_no_batch)                                                                                         \
    X(functions_of_the_proposal_are_used)                                                                                                  \
    X(frames_are_left_out_counted_and_never_followed_for_ever)

#define DECLARE(name) void name(void);
TESTS(DECLARE)
#undef DECLARE

/* Commands for tests whose data comes from elsewhere; each reads its arguments and writes lines to stdout. */
int print_wire_layout(void);
int print_layouts(void);
int print_layout(int minor, int free_threaded);
int compare_debug_offsets(int minor, int free_threaded, const char *file);
int print_lines(void);
int print_options(void);

/* The node of a frame below its caller's, made if need be. */
unsigned intern_node(unsigned parent, unsigned code, unsigned line);

/* A session in a folder of the test's own, with a small limit. */
void open_test_session(unsigned long limit_bytes);
void open_test_session_with(unsigned long limit_bytes, const char *options);

#endif
