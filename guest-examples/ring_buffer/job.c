/* Keeps the newest rows of a table, and deletes the others, oldest first. */

#define SANDGLASS_IMPLEMENTATION
#include "sandglass.h"

/* Rows of one page, which are deleted together with a checkpoint. */
#define AT_ONCE 1000

SANDGLASS_JOB(input) {
    (void)input;
    const sg_error *error;
    sg_text setting = sg_setting("KEEP");
    char *end = NULL;
    unsigned long long keep = setting.at ? strtoull(setting.at, &end, 10) : 10000;
    if (end && *end) return sg_failure(false, "the setting KEEP is `%s`, which is no number of rows", setting.at);

    sg_table samples;
    uint64_t rows = 0, deleted = 0;
    sg_query query = {0};
    if ((error = sg_open("samples", &samples))) return sg_failed(error);
    if ((error = sg_count(samples, &query, &rows))) return sg_failed(error);
    sg_order_by(&query, "created-at", false);
    sg_order_by(&query, "id", false);
    while (rows - deleted > keep) {
        uint64_t left = rows - deleted - keep;
        query.limit = left < AT_ONCE ? (uint32_t)left : AT_ONCE;
        sg_page page;
        if ((error = sg_ask(samples, &query, &page))) return sg_failed(error);
        if (page.count == 0) break;
        for (size_t i = 0; i < page.count; i++)
            if ((error = sg_delete(samples, page.rows[i].id.at, page.rows[i].version, NULL))) return sg_failed(error);
        deleted += page.count;
        sg_page_free(&page);
        /* What is deleted stays deleted, whatever happens to the rest. */
        sg_checkpoint(NULL);
        sg_log(SG_DEBUG, "%llu deleted so far", (unsigned long long)deleted);
    }
    return sg_ok("deleted %llu of %llu rows", (unsigned long long)deleted, (unsigned long long)rows);
}
