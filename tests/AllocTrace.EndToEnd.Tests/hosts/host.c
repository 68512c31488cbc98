/* A program that embeds CPython in the way that its arguments say, in order:
 *
 *   global|local|deepbind|namespace LIBPYTHON   loads it (dlopen with that flag; namespace: dlmopen)
 *   linked                        the one that this program is linked with (built with -DLINKED)
 *   unload                        dlclose
 *   use N                         what follows is said to the N-th that was loaded (from 0)
 *   init | isolated               Py_Initialize | isolated configuration, which reads no environment
 *   allocator N                   PyPreConfig.allocator = N (pymem.h: 3 malloc, 4 malloc_debug, 5 pymalloc, 6 pymalloc_debug),
 * pre-initializes run CODE | finalize clearenv | closefds | chdir FOLDER | setuid ID | fork | daemonise | sleep MS _exit N | exit N | abort
 * | kill
 *
 * Nothing of CPython's headers: the declarations are those of the documented C API, and work for every version. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct status { /* PyStatus */
    int type;
    const char *function, *message;
    int exit_code;
};

struct python {
    void *handle;
    void (*initialize)(int signals);
    int (*finalize)(void);
    int (*run)(const char *code);
    void (*isolated_preconfig)(int *config);
    struct status (*preinitialize)(const int *config);
    void (*isolated_config)(void *config);
    struct status (*initialize_from)(void *config);
    void (*clear_config)(void *config);
};

static struct python loaded[8], *python;
static int count;

static void fail(const char *what)
{
    fprintf(stderr, "host: %s\n", what);
    exit(99);
}

static void *function(const char *name)
{
    void *found = dlsym(python->handle, name);
    if (!found)
        fail(dlerror());
    return found;
}

static void load(const char *how, const char *path)
{
    python = &loaded[count++];
    if (strcmp(how, "namespace") == 0)
        python->handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
    else
        python->handle = dlopen(path, RTLD_NOW | (strcmp(how, "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL)
                                          | (strcmp(how, "deepbind") == 0 ? RTLD_DEEPBIND : 0));
    if (!python->handle)
        fail(dlerror());
    python->initialize = (void (*)(int))function("Py_InitializeEx");
    python->finalize = (int (*)(void))function("Py_FinalizeEx");
    python->run = (int (*)(const char *))function("PyRun_SimpleString");
    python->isolated_preconfig = (void (*)(int *))function("PyPreConfig_InitIsolatedConfig");
    python->preinitialize = (struct status(*)(const int *))function("Py_PreInitialize");
    python->isolated_config = (void (*)(void *))function("PyConfig_InitIsolatedConfig");
    python->initialize_from = (struct status(*)(void *))function("Py_InitializeFromConfig");
    python->clear_config = (void (*)(void *))function("PyConfig_Clear");
}

#ifdef LINKED
void Py_InitializeEx(int signals);
int Py_FinalizeEx(void);
int PyRun_SimpleString(const char *code);
void PyPreConfig_InitIsolatedConfig(int *config);
struct status Py_PreInitialize(const int *config);
void PyConfig_InitIsolatedConfig(void *config);
struct status Py_InitializeFromConfig(void *config);
void PyConfig_Clear(void *config);
extern char PyUnicode_Type[256]; /* makes the linker copy it into the executable */
void *touch(void);
void *touch(void)
{
    return PyUnicode_Type;
}

static void use_linked(void)
{
    python = &loaded[count++];
    *python = (struct python){NULL,
                              Py_InitializeEx,
                              Py_FinalizeEx,
                              PyRun_SimpleString,
                              PyPreConfig_InitIsolatedConfig,
                              Py_PreInitialize,
                              PyConfig_InitIsolatedConfig,
                              Py_InitializeFromConfig,
                              PyConfig_Clear};
}
#endif

static void initialize_isolated(void)
{
    static _Alignas(16) char config[4096]; /* more than any version's PyConfig */
    python->isolated_config(config);
    struct status status = python->initialize_from(config);
    python->clear_config(config);
    if (status.type != 0)
        fail(status.message);
}

static void choose_allocator(int allocator)
{
    enum { ALLOCATOR = 9 /* its place among PyPreConfig's integers */ };
    int config[64];
    python->isolated_preconfig(config);
    config[ALLOCATOR] = allocator;
    struct status status = python->preinitialize(config);
    if (status.type != 0)
        fail(status.message);
}

/* The parent of a fork waits, and ends as its child did. */
static void go_on_in_child(void)
{
    pid_t child = fork();
    if (child == 0)
        return;
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        fail("the child did not exit");
    _exit(WEXITSTATUS(status));
}

static void daemonise(void)
{
    if (fork() != 0)
        _exit(0);
    setsid();
    if (fork() != 0)
        _exit(0);
    if (chdir("/") != 0)
        fail("chdir");
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    close_range(3, ~0u, 0);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *argument = i + 1 < argc ? argv[i + 1] : "";
#define IS(text) (strcmp(word, text) == 0)
        if (IS("global") || IS("local") || IS("deepbind") || IS("namespace")) {
            load(word, argument);
            i++;
#ifdef LINKED
        } else if (IS("linked")) {
            use_linked();
#endif
        } else if (IS("unload")) {
            dlclose(python->handle);
        } else if (IS("use")) {
            python = &loaded[atoi(argument)];
            i++;
        } else if (IS("init")) {
            python->initialize(1);
        } else if (IS("isolated")) {
            initialize_isolated();
        } else if (IS("allocator")) {
            choose_allocator(atoi(argument));
            i++;
        } else if (IS("run")) {
            if (python->run(argument) != 0)
                fail("the code raised");
            i++;
        } else if (IS("finalize")) {
            if (python->finalize() != 0)
                fail("Py_FinalizeEx");
        } else if (IS("setenv")) {
            setenv(argument, argv[i + 2], 1);
            i += 2;
        } else if (IS("clearenv")) {
            clearenv();
        } else if (IS("closefds")) {
            close_range(3, ~0u, 0);
        } else if (IS("chdir")) {
            if (chdir(argument) != 0)
                fail("chdir");
            i++;
        } else if (IS("setuid")) {
            if (setgroups(0, NULL) != 0 || setgid((gid_t)atoi(argument)) != 0 || setuid((uid_t)atoi(argument)) != 0)
                fail("setuid");
            i++;
        } else if (IS("fork")) {
            go_on_in_child();
        } else if (IS("daemonise")) {
            daemonise();
        } else if (IS("sleep")) {
            usleep((useconds_t)atoi(argument) * 1000);
            i++;
        } else if (IS("_exit")) {
            _exit(atoi(argument));
        } else if (IS("exit")) {
            exit(atoi(argument));
        } else if (IS("abort")) {
            abort();
        } else if (IS("kill")) {
            kill(getpid(), SIGKILL);
        } else {
            fail(word);
        }
    }
    return 0;
}
