/* A host that starts and stops a recording again and again, while another thread loads and unloads a library.
 *
 *   late_start LIBALLOCTRACE FOLDER ROUNDS LIBRARY [LIBPYTHON]
 *
 * LIBRARY imports dlsym, so its import table is among those that a late start redirects. With LIBPYTHON, the second library that is loaded
 * and unloaded is a CPython that nobody initializes. Ends with 0 when the host survived, and the library still works. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *libraries[2];
static int stopped;

static void *load_and_unload(void *unused)
{
    (void)unused;
    long loads = 0;
    for (; !__atomic_load_n(&stopped, __ATOMIC_ACQUIRE); loads++) {
        const char *path = libraries[loads % 2] ? libraries[loads % 2] : libraries[0];
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            fprintf(stderr, "%s\n", dlerror());
            exit(1);
        }
        const char *(*version)(void) = (const char *(*)(void))dlsym(handle, "Py_GetVersion");
        if (version && !version()[0])
            exit(1);
        dlclose(handle);
    }
    return (void *)loads;
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    void *alloctrace = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    int (*start)(const char *, const char *) =
        alloctrace ? (int (*)(const char *, const char *))dlsym(alloctrace, "alloctrace_start") : NULL;
    int (*stop)(void) = alloctrace ? (int (*)(void))dlsym(alloctrace, "alloctrace_stop") : NULL;
    if (!start || !stop)
        return 2;
    libraries[0] = arguments[4];
    libraries[1] = count > 5 ? arguments[5] : NULL;
    pthread_t loader;
    void *loads;
    if (pthread_create(&loader, NULL, load_and_unload, NULL) != 0)
        return 2;
    for (int i = 0, rounds = atoi(arguments[3]); i < rounds; i++) {
        if (start(arguments[2], "") != 0 || stop() != 0)
            return 1;
        usleep((useconds_t)(i * 37 % 700)); /* the other thread is somewhere else each time */
    }
    __atomic_store_n(&stopped, 1, __ATOMIC_RELEASE);
    pthread_join(loader, &loads);
    printf("%ld loads\n", (long)loads);
    return 0;
}
