/* A program that knows nothing of Sandglass. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char input[4096] = {0};
    if (!fgets(input, sizeof input, stdin)) return 2;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    usleep(20000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double waited = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    fprintf(stderr, "for %s\n", getenv("SANDGLASS_JOB"));
    printf("%s of %d, attempt %s, waited %s, input %s\n", argv[0], argc, getenv("SANDGLASS_ATTEMPT"),
           waited >= 0.02 ? "enough" : "too little", strstr(input, "\"input\":{\"n\":1}") ? "there" : input);
    return strstr(input, "fail") ? 75 : 0;
}
