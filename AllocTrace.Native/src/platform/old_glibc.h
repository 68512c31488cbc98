/* old_glibc.h: makes the library ask for symbols that glibc 2.17 has, whatever glibc it is built with. Included before each source by the
 * compiler's command line (AllocTrace.Native.csproj), so it includes nothing itself.
 *
 * glibc keeps the versions that older programs ask for. When it moved functions from libpthread and libdl into libc (2.34, and
 * pthread_sigmask 2.32), they got a new version as well, which is what the linker takes unless it is named. On a glibc before that these
 * functions are in the two libraries, which is why they are linked by name; a later one has them empty. */
#ifndef ALLOCTRACE_OLD_GLIBC_H
#define ALLOCTRACE_OLD_GLIBC_H

#ifdef __x86_64__
#define ALLOCTRACE_OLDEST(name, x86_64, arm64) __asm__(".symver " #name "," #name "@GLIBC_" x86_64)
#else
#define ALLOCTRACE_OLDEST(name, x86_64, arm64) __asm__(".symver " #name "," #name "@GLIBC_" arm64)
#endif

ALLOCTRACE_OLDEST(dladdr, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(dlerror, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(dlinfo, "2.3.3", "2.17");
ALLOCTRACE_OLDEST(dlopen, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(dlvsym, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(pthread_key_create, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(pthread_key_delete, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(pthread_once, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(pthread_setspecific, "2.2.5", "2.17");
ALLOCTRACE_OLDEST(pthread_sigmask, "2.2.5", "2.17");

#endif
