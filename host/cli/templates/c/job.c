/* Greets whom the run's input names, and counts how often. */

#define SANDGLASS_IMPLEMENTATION
#include "sandglass/sandglass.h"

SANDGLASS_JOB(input) {
    const sg_error *error;
    sg_text name = sg_text_of("world");
    if (input.at) sg_json_text(input, "name", &name);
    sg_table greetings;
    sg_row row;
    bool found;
    int64_t before = 0;
    if ((error = sg_open("greetings", &greetings))) return sg_failed(error);
    if ((error = sg_get(greetings, name.at, &row, &found))) return sg_failed(error);
    if (found) sg_json_integer(row.fields, "count", &before);
    error = sg_put(greetings, name.at, sg_format("{\"count\": %lld}", (long long)before + 1));
    if (error) return sg_failed(error);
    sg_log(SG_INFO, "greeting %s for the %lld. time", name.at, (long long)before + 1);
    return sg_ok("Hello, %s!", name.at);
}
