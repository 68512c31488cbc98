/* intern.h: stacks, code and text become numbers, each kept once in the session. */
#ifndef ALLOCTRACE_INTERN_H
#define ALLOCTRACE_INTERN_H

#include <stdint.h>

#include "capture/id_table.h"
#include "python/line_table.h"
#include "python/runtime.h"
#include "session/session.h"

struct node_key {
    uint32_t parent, code, line;
};

extern INTERNAL struct id_table intern_nodes;

static inline bool node_equals(uint32_t id, const void *key)
{
    const struct alloctrace_node *node = session_node(id);
    const struct node_key *wanted = key;
    return node->parent == wanted->parent && node->code == wanted->code && node->line == wanted->line;
}

static inline uint32_t node_hash(struct node_key key)
{
    return hash_mix((uint64_t)key.parent << 32 | key.code, key.line);
}

/* The node of a frame below its caller's; 0: there is none yet. */
static inline uint32_t intern_find_node(struct node_key key)
{
    return id_table_find(&intern_nodes, node_hash(key), node_equals, &key);
}

/* Finds a node like intern_node, or makes it. Takes the lock and is not on the common path. Returns ALLOCTRACE_NODE_DROPPED if there is no
 * room. */
uint32_t intern_new_node(struct node_key key);

/* The node under which an interpreter's stacks are: ALLOCTRACE_NODE_NONE for the main one, whose id is 0. Takes the lock. */
uint32_t intern_interpreter(uint32_t id);

/* The node of an entry trampoline (ALLOCTRACE_CODE_ENTRY). May take the lock. */
uint32_t intern_entry(uint32_t parent);

enum { INTERN_NO_CODE = UINT32_MAX };

/* The data of a code that interning and lines need, but the session does not. Kept for each number in CODES. */
struct code_lines {
    uint64_t line_table_hash;
    uint32_t units;          /* two-byte code units */
    bool wide;               /* lines are int32_t, not uint16_t */
    bool is_prepared;        /* for expressions: the two members below are final */
    const void *lines;       /* NULL without memory: decode the table each time */
    uint32_t *expressions;   /* by code unit, filled on demand; NULL if too many are cached already */
    struct line_mark *marks; /* NULL: too short to need them, or no memory */
};

/* In narrow form a line is its distance from the first, plus this; 0: none. */
enum { NARROW_BIAS = 0x2000 };

/* The number in CODES of a code object, by content. Under the lock; reads the object, which a frame of this thread runs. *lines is set
 * unless the result is INTERN_NO_CODE (no room). */
uint32_t intern_code(const struct python_runtime *python, uintptr_t code, const struct code_lines **lines);

/* Prepares the quick search for expressions of a code, if that was not done yet. Under the lock. table: the code's. Never returns NULL. */
const struct code_lines *intern_prepare_expressions(uint32_t code, const uint8_t *table, size_t length);

/* A forked child begins anew. */
void intern_reset(void);

#endif
