#include <pthread.h>
#include <string.h>

#include "capture/code_cache.h"
#include "capture/id_table.h"
#include "capture/intern.h"
#include "check.h"

static bool same_id(uint32_t id, const void *key)
{
    return id == *(const uint32_t *)key;
}

static uint32_t hash_of(uint32_t id)
{
    return hash_mix(id, id % 7); /* any function will do */
}

void id_table_finds_what_was_added(void)
{
    struct id_table table = {0};
    enum { COUNT = 100000 };
    for (uint32_t id = 1; id <= COUNT; id++) {
        CHECK(id_table_find(&table, hash_of(id), same_id, &id) == 0);
        CHECK(id_table_add(&table, hash_of(id), id));
    }
    for (uint32_t id = 1; id <= COUNT; id++)
        CHECK(id_table_find(&table, hash_of(id), same_id, &id) == id);
    id_table_reset(&table);
    uint32_t one = 1;
    CHECK(id_table_find(&table, hash_of(1), same_id, &one) == 0);
}

static struct id_table shared_table;
static uint32_t announced;

static void *look(void *unused)
{
    uint32_t id = 0;
    while (id < 200000) {
        uint32_t to = __atomic_load_n(&announced, __ATOMIC_ACQUIRE);
        for (; id < to; id++) {
            uint32_t wanted = id + 1;
            CHECK(id_table_find(&shared_table, hash_of(wanted), same_id, &wanted) == wanted);
        }
    }
    return unused;
}

void id_table_is_found_while_it_grows(void)
{
    pthread_t readers[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&readers[i], NULL, look, NULL) == 0);
    for (uint32_t id = 1; id <= 200000; id++) {
        CHECK(id_table_add(&shared_table, hash_of(id), id));
        __atomic_store_n(&announced, id, __ATOMIC_RELEASE);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
}

unsigned intern_node(unsigned parent, unsigned code, unsigned line)
{
    struct node_key key = {parent, code, line};
    uint32_t node = intern_find_node(key);
    return node ? node : intern_new_node(key);
}

void nodes_are_kept_once(void)
{
    open_test_session(64u << 20);
    uint32_t deep = ALLOCTRACE_NODE_NONE;
    uint32_t chain[5000];
    for (uint32_t i = 0; i < 5000; i++)
        chain[i] = deep = intern_node(deep, i % 50, i);
    deep = ALLOCTRACE_NODE_NONE;
    for (uint32_t i = 0; i < 5000; i++) {
        deep = intern_node(deep, i % 50, i);
        CHECK(deep == chain[i]);
        CHECK(session_node(deep)->parent == (i ? chain[i - 1] : ALLOCTRACE_NODE_NONE));
    }
    CHECK(session.header->nodes == ALLOCTRACE_FIRST_NODE + 5000);
    CHECK(intern_node(ALLOCTRACE_NODE_NONE, 1, 0) != chain[0]);
    CHECK(intern_node(ALLOCTRACE_NODE_DROPPED, 0, 0) == ALLOCTRACE_NODE_DROPPED);
}
