#include "capture/recording.h"
#include "capture/sampling.h"
#include "check.h"

/* Against values of the logarithm that are known: -ln(1/2), -ln(1/4), -ln(3/4), -ln(2^-64), in units of 2^-32. */
void sampling_distances_are_logarithms(void)
{
    const struct {
        uint64_t random;
        double expected;
    } known[] = {
        {UINT64_C(1) << 63, 0.69314718056}, {UINT64_C(1) << 62, 1.38629436112},
        {UINT64_C(3) << 62, 0.28768207245}, {1, 44.36141955584},
        {UINT64_C(5) << 61, 0.47000362925}, {UINT64_MAX, 0},
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        double got = (double)sampling_exponential(known[i].random) / 4294967296.0;
        CHECK(got > known[i].expected - 1e-6 && got < known[i].expected + 1e-6);
    }
}

void sampling_remembers_the_blocks_that_it_took(void)
{
    enum { BLOCKS = 5000 };
    open_test_session(8u << 20);
    sampling_begin(1024);
    struct thread_capture *thread = thread_enter();
    CHECK(thread && sampling_is_on(thread));
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        CHECK(sampling_take(thread, sampling_key(ALLOCTRACE_DOMAIN_OBJ, (void *)(i * 48))));
    for (uintptr_t i = 1; i <= BLOCKS; i += 2)
        CHECK(sampling_ends(thread, ALLOCTRACE_DOMAIN_MEM, (void *)(i * 48)));
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        CHECK(sampling_ends(thread, ALLOCTRACE_DOMAIN_RAW, (void *)(i * 48)) == (i % 2 == 0));
    CHECK(!sampling_ends(thread, ALLOCTRACE_DOMAIN_RAW, (void *)48));
    CHECK(sampling_take(thread, sampling_key(ALLOCTRACE_DOMAIN_TRACKED, (void *)48)));
    CHECK(!sampling_ends(thread, ALLOCTRACE_DOMAIN_RAW, (void *)48));
    CHECK(sampling_ends(thread, ALLOCTRACE_DOMAIN_TRACKED, (void *)48));
    for (unsigned i = 0; i < 1 << SAMPLING_FILTER_BITS; i++)
        CHECK(sampling_filter[i] == 0);
    thread_leave(thread);
}

/* Blocks of 100 bytes, one byte in 1,000 chosen: a block in 10.5, within five standard deviations. */
void sampling_takes_its_share(void)
{
    enum { BLOCKS = 1000000, EXPECTED = 95163, DEVIATION = 293 };
    open_test_session(8u << 20);
    sampling_begin(1000);
    struct thread_capture *thread = thread_enter();
    CHECK(thread);
    unsigned taken = 0;
    for (uintptr_t i = 0; i < BLOCKS; i++)
        if (!sampling_skips(thread, 100)) {
            uintptr_t key = sampling_key(ALLOCTRACE_DOMAIN_OBJ, (void *)0x1000);
            CHECK(sampling_take(thread, key) && sampling_ends(thread, ALLOCTRACE_DOMAIN_OBJ, (void *)0x1000));
            taken++;
        }
    thread_leave(thread);
    CHECK(taken > EXPECTED - 5 * DEVIATION && taken < EXPECTED + 5 * DEVIATION);
}
