#include <string.h>

#include "check.h"
#include "session/options.h"

static struct options options;
static char error[256];

void options_are_parsed(void)
{
    CHECK(options_parse(&options, "/tmp", NULL, error, sizeof error));
    CHECK(strcmp(options.folder, "/tmp") == 0 && strcmp(options.prefix, "") == 0);
    CHECK(!options.crash && options.max_frames == 0 && options.children && options.on_full == ALLOCTRACE_ON_FULL_WAIT
          && options.limit_bytes == 1u << 30);
    CHECK(options.domains[0] && options.domains[1] && options.domains[2]);

    CHECK(options_parse(&options, "/nowhere/trace-%p.db", "frames=5,domains=raw+obj,children=off,limit=64MiB,on_full=drop,crash=on", error,
                        sizeof error));
    CHECK(strcmp(options.folder, "/nowhere") == 0 && strncmp(options.prefix, "trace-", 6) == 0 && !strchr(options.prefix, '%'));
    CHECK(options.crash && options.max_frames == 5 && !options.children && options.on_full == ALLOCTRACE_ON_FULL_DROP
          && options.limit_bytes == 64u << 20);
    CHECK(options.domains[0] && !options.domains[1] && options.domains[2]);

    CHECK(options.events_bytes == 0);
    CHECK(options_parse(&options, "/tmp", "events=on", error, sizeof error) && options.events_bytes == 256u << 20);
    CHECK(options_parse(&options, "/tmp", "events=2MiB", error, sizeof error) && options.events_bytes == 2u << 20);
    CHECK(options_parse(&options, "/tmp", "events=on,events=off", error, sizeof error) && options.events_bytes == 0);

    CHECK(options_parse(&options, "trace.db", "", error, sizeof error));
    CHECK(options.folder[0] == '/' && strcmp(options.prefix, "trace.db.") == 0);
}

void options_that_are_wrong_are_told(void)
{
    static const char *const wrong[][2] = {
        {"depth=3", "no option \"depth\""},
        {"frames", "not name=value"},
        {"frames=", "wanted a number"},
        {"frames=x", "wanted a number"},
        {"limit=1", "4MiB or more"},
        {"limit=99999999999999999999", "4MiB or more"},
        {"domains=raw+foo", "raw, mem and obj"},
        {"children=maybe", "on or off"},
        {"crash=maybe", "on or off"},
        {"events=1000", "on, off, or"},
        {"on_full=panic", "wait or drop"},
        {"objects=start", "end, peak, end+peak or off"},
        {"sample=512K,objects=end", "every allocation"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error[0] = '\0';
        CHECK(!options_parse(&options, "/tmp", wrong[i][0], error, sizeof error));
        CHECK(strstr(error, wrong[i][1]) && !strchr(error, '\n'));
    }
}

int print_options(void)
{
    for (unsigned i = 0; options_name(i); i++)
        puts(options_name(i));
    return 0;
}
