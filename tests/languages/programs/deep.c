// Fails where a trace through an inlined function is of use.
#include <string.h>

static inline __attribute__((always_inline)) int deeper(int of) {
    if (of > 1)
        __builtin_trap();
    return of;
}

__attribute__((noinline)) int deep(int of) {
    return deeper(of + 1) + 1;
}

int main(int count, char **words) {
    return deep(count + (int)strlen(words[0]));
}
