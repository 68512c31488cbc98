/* Programs that are built with AddressSanitizer: its runtime, where it is a library of its own (gcc's default), ends a program in which
 * another library comes before it, as preloaded ones do. It asks this function for options first; one that the program defines itself comes
 * before ours. Our place is harmless: this library does not define malloc or any other function that the runtime intercepts and needs. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "verify_asan_link_order=0";
}
