/* Mappings as /proc/self/maps has them (proc_pid_maps(5)): "begin-end permissions offset device inode   path", all but the inode in
 * base 16. */
#define _GNU_SOURCE
#include "platform/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/os.h"

enum field { BEGIN, END, PERMISSIONS, OFFSET, DEVICE, INODE, PATH };

/* The line that is being read. */
struct line {
    enum field field;
    struct os_mapping mapping;
};

struct search {
    uintptr_t address;
    struct line line;
    uint64_t head_inode; /* of the file that `head` is of */
    uintptr_t head;
    char *path;
    size_t path_size;
};

static uint64_t digit(char c)
{
    return (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

static void add_to_number(struct line *line, char c)
{
    struct os_mapping *mapping = &line->mapping;
    if (line->field == BEGIN)
        mapping->begin = mapping->begin << 4 | digit(c);
    else if (line->field == END)
        mapping->end = mapping->end << 4 | digit(c);
    else if (line->field == OFFSET)
        mapping->offset = mapping->offset << 4 | digit(c);
    else if (line->field == INODE)
        mapping->inode = mapping->inode * 10 + digit(c);
}

static bool is_wanted(const struct search *search)
{
    return search->address - search->line.mapping.begin < search->line.mapping.end - search->line.mapping.begin;
}

/* Returns true after the last character of the line that is wanted. */
static bool read_character(struct search *search, char c)
{
    struct line *line = &search->line;
    struct os_mapping *mapping = &line->mapping;
    if (c == '\n') {
        if (mapping->inode && mapping->offset == 0) {
            search->head = mapping->begin;
            search->head_inode = mapping->inode;
        }
        if (is_wanted(search)) {
            mapping->head = mapping->inode && mapping->inode == search->head_inode ? search->head : 0;
            return true;
        }
        *line = (struct line){0};
    } else if (line->field == PATH) {
        bool begins = mapping->path_length || c != ' ';
        if (begins && mapping->path_length < search->path_size && is_wanted(search))
            search->path[mapping->path_length++] = c;
    } else if (c == ' ' || (c == '-' && line->field == BEGIN)) {
        line->field++;
    } else {
        add_to_number(line, c);
    }
    return false;
}

bool os_mapping_of(uintptr_t address, struct os_mapping *mapping, char *path, size_t path_size)
{
    struct search search = {.address = address, .path = path, .path_size = path ? path_size : 0};
    char buffer[1024];
    int saved = errno, descriptor = os_open("/proc/self/maps", O_RDONLY);
    bool found = false;
    for (long got; descriptor >= 0 && !found && (got = syscall(SYS_read, descriptor, buffer, sizeof buffer)) > 0;)
        for (long i = 0; i < got && !found; i++)
            found = read_character(&search, buffer[i]);
    if (descriptor >= 0)
        os_close(descriptor);
    errno = saved;
    *mapping = search.line.mapping;
    return found;
}
