/* A program without Python that calls every function which the library exports in place of the C library's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status = 0;
    setenv("PYTHONHOME", "/nowhere", 1);
    printf("%s %s %s %d\n", getenv("PYTHONHOME"), secure_getenv("PYTHONHOME"), nl_langinfo(CODESET),
           dlsym(RTLD_DEFAULT, "no such symbol") != NULL);
    fflush(stdout);
    free(malloc(100));
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    return waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3 ? 7 : 8;
}
