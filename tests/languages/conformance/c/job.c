/* Every call of the contract, and what came of each: ../../../guests/conformance in C. */

#define SANDGLASS_IMPLEMENTATION
#include "sandglass.h"

static char lines[65536];

static void add(const char *name, const char *format, ...) {
    size_t len = strlen(lines);
    len += (size_t)snprintf(lines + len, sizeof lines - len, "%s=", name);
    va_list arguments;
    va_start(arguments, format);
    len += (size_t)vsnprintf(lines + len, sizeof lines - len, format, arguments);
    va_end(arguments);
    snprintf(lines + len, sizeof lines - len, "\n");
}

static void code(const char *name, const sg_error *error) { add(name, "%s", error ? error->code.at : "ok"); }
static const char *truth(bool is_so) { return is_so ? "true" : "false"; }
static const char *maybe(sg_text text) { return text.at ? text.at : "none"; }

/* What must be done. */
static const sg_error *broke;
#define MUST(call)                                \
    do {                                          \
        const sg_error *error = (call);           \
        if (error && !broke) broke = error;       \
    } while (0)

static void this_run(sg_text input) {
    int64_t instant;
    add("job", "%s", sg_job_name().at);
    add("run-id", "%zu", sg_run_id().len);
    add("attempt", "%u", sg_attempt());
    add("trigger", "%s", sg_trigger().at);
    add("scheduled-for", "%s", truth(sg_scheduled_for() <= sg_now()));
    add("last-success", "%s", sg_last_success(&instant) ? "some" : "none");
    add("deadline", "%s", truth(sg_deadline() > sg_now()));
    add("setting", "%s", maybe(sg_setting("CITY")));
    add("no-setting", "%s", maybe(sg_setting("NOTHING")));
    add("input", "%s", maybe(input));
    add("progress", "%s", maybe(sg_progress()));
    sg_log(SG_TRACE, "trace ü");
    sg_log(SG_DEBUG, "debug ü");
    sg_log(SG_INFO, "info ü");
    sg_log(SG_WARN, "warn ü");
    sg_log(SG_ERROR, "error ü");
}

static char *large(size_t size) {
    char *fields = malloc(size + 16);
    strcpy(fields, "{\"text\":\"");
    memset(fields + 9, 'x', size);
    strcpy(fields + 9 + size, "\"}");
    return fields;
}

static void rows(sg_table items) {
    sg_text id = {0}, text = {0};
    sg_row row = {0};
    bool found = false;
    int64_t number = 0;
    char at[SG_INSTANT_SIZE];
    char *fields = sg_format("{\"n\":9007199254740993,\"text\":\"Grüße 🌍\",\"at\":\"%s\"}", sg_instant_text(1769848200123, at));
    code("insert", sg_insert(items, fields, "a", NULL));
    code("insert-again", sg_insert(items, fields, "a", NULL));
    MUST(sg_insert(items, "{\"n\":1}", NULL, &id));
    add("insert-made", "%s", truth(id.len > 0));
    MUST(sg_get(items, "a", &row, &found));
    sg_json_integer(row.fields, "n", &number);
    sg_json_text(row.fields, "text", &text);
    sg_text instant = {0};
    sg_json_text(row.fields, "at", &instant);
    add("get", "%lld %s %s", (long long)number, text.at, instant.at);
    add("get-version", "%llu", (unsigned long long)row.version);
    add("get-instants", "%s", truth(row.created_at == row.updated_at && row.created_at <= sg_now()));
    MUST(sg_get(items, "nobody", &row, &found));
    add("get-missing", "%s", found ? "some" : "none");
    code("update", sg_update(items, "a", "{\"extra\":true,\"text\":null}", SG_ANY_VERSION));
    MUST(sg_get(items, "a", &row, &found));
    sg_text extra = sg_json_member(row.fields, "extra");
    add("updated", "%.*s %s", (int)extra.len, extra.at, truth(sg_json_member(row.fields, "text").at != NULL));
    code("update-missing", sg_update(items, "nobody", "{}", SG_ANY_VERSION));
    code("update-version", sg_update(items, "a", "{}", 7));
    code("put", sg_put(items, "b", "{\"n\":2}"));
    MUST(sg_put(items, "large", large((size_t)atol(sg_setting("LARGE").at))));
    MUST(sg_get(items, "large", &row, &found));
    sg_json_text(row.fields, "text", &text);
    add("large", "%zu", text.len);
    code("too-large", sg_put(items, "large", large(300000)));
    code("delete-version", sg_delete(items, "b", 7, NULL));
    MUST(sg_delete(items, "b", SG_ANY_VERSION, &found));
    add("delete", "%s", truth(found));
    MUST(sg_delete(items, "b", SG_ANY_VERSION, &found));
    add("delete-again", "%s", truth(found));
}

static const char *ids(const sg_page *page) {
    char *text = "";
    for (size_t i = 0; i < page->count; i++) text = sg_format("%s%s%s", text, i ? "," : "", page->rows[i].id.at);
    return text;
}

static sg_query of_kind(void) {
    sg_query query = {0};
    sg_where_text(&query, "kind", "eq", "q");
    return query;
}

static uint64_t count(sg_table table, sg_query query) {
    uint64_t rows = 0;
    MUST(sg_count(table, &query, &rows));
    return rows;
}

/* More rows than a page has, where the test says so. */
static void many(sg_table items) {
    char text[1001] = {0};
    memset(text, 'x', 1000);
    long rows = atol(sg_setting("MANY").at);
    for (long n = 0; n < rows; n++) {
        char *fields = sg_format("{\"n\":%ld,\"kind\":\"m\",\"text\":\"%s\"}", n, text);
        MUST(sg_put(items, sg_format("m%ld", n), fields));
        sg_free(fields);
    }
    sg_query query = {0};
    sg_where_text(&query, "kind", "eq", "m");
    sg_order_by(&query, "n", false);
    uint64_t found = 0, sum = 0, deleted = 0;
    sg_page page = {0};
    do {
        MUST(sg_ask(items, &query, &page));
        for (size_t i = 0; i < page.count; i++) {
            int64_t n = 0;
            sg_json_integer(page.rows[i].fields, "n", &n);
            found++, sum += (uint64_t)n;
        }
        query.cursor = page.next;
    } while (page.next.at);
    add("many", "%llu %llu", (unsigned long long)found, (unsigned long long)sum);
    query = (sg_query){0};
    sg_where_text(&query, "kind", "eq", "m");
    MUST(sg_delete_where(items, &query, SG_ALL, &deleted));
    add("many-gone", "%llu", (unsigned long long)deleted);
}

static void queries(sg_table items) {
    for (int n = 0; n < 5; n++) MUST(sg_put(items, sg_format("q%d", n), sg_format("{\"n\":%d,\"kind\":\"q\"}", n)));
    sg_page page = {0};
    sg_query query = of_kind();
    sg_where_integer(&query, "n", "ge", 1);
    sg_order_by(&query, "n", true);
    query.limit = 2;
    MUST(sg_ask(items, &query, &page));
    add("page", "%s %s", ids(&page), truth(page.next.at != NULL));
    query.cursor = page.next;
    MUST(sg_ask(items, &query, &page));
    add("page-after", "%s", ids(&page));
    sg_page_free(&page);
    query = of_kind();
    sg_where_integer(&query, "n", "lt", 1);
    sg_or(&query);
    sg_where_integer(&query, "n", "gt", 3);
    sg_where_text(&query, "kind", "eq", "q");
    sg_order_by(&query, "id", false);
    MUST(sg_ask(items, &query, &page));
    add("or", "%s", ids(&page));
    query = of_kind();
    sg_order_by(&query, "id", true);
    query.limit = 1;
    MUST(sg_ask(items, &query, &page));
    add("first", "%s", ids(&page));
    query = of_kind();
    sg_where_json(&query, "n", "in", "[0,2]");
    add("in", "%llu", (unsigned long long)count(items, query));
    query = (sg_query){0};
    sg_where_json(&query, "kind", "exists", "true");
    add("exists", "%llu", (unsigned long long)count(items, query));
    query = (sg_query){0};
    sg_where_text(&query, "id", "starts-with", "q");
    add("starts-with", "%llu", (unsigned long long)count(items, query));
    query = (sg_query){0};
    sg_where_instant(&query, "at", "lt", 1769848200124);
    add("instant", "%llu", (unsigned long long)count(items, query));
    query = (sg_query){0};
    sg_where_integer(&query, "n", "in", 5);
    uint64_t deleted = 0;
    code("bad-value", sg_count(items, &query, &deleted));
    query = of_kind();
    MUST(sg_delete_where(items, &query, 2, &deleted));
    add("delete-up-to", "%llu", (unsigned long long)deleted);
    MUST(sg_delete_where(items, &query, SG_ALL, &deleted));
    add("delete-where", "%llu", (unsigned long long)deleted);
    many(items);
    sg_table others, read_only;
    code("denied-table", sg_open("others", &others));
    MUST(sg_open("readonly", &read_only));
    query = (sg_query){0};
    add("read-only", "%llu", (unsigned long long)count(read_only, query));
    code("denied-write", sg_insert(read_only, "{}", NULL, NULL));
    sg_close(read_only);
}

static void others(void) {
    const char *team[] = {"team@example.com", NULL}, *named[] = {"Team <team@example.com>", NULL};
    const char *somebody[] = {"somebody@example.org", NULL};
    sg_email email = {.subject = "Grüße 🌍", .text = "Hello", .html = "<p>Hello", .reply_to = "ops@example.com"};
    email.to = somebody;
    code("email-denied", sg_send(&email, NULL));
    email.to = NULL;
    code("email-invalid", sg_send(&email, NULL));
    sg_attachment file = {"a.txt", "text/plain", "ü", 2};
    sg_text id = {0};
    email.to = named, email.cc = team, email.bcc = team, email.attachments = &file, email.attachment_count = 1;
    MUST(sg_send(&email, &id));
    add("email", "%s", truth(id.len > 0));
    email = (sg_email){.to = team, .subject = "Grüße 🌍", .text = "Hello"};
    code("email-quota", sg_send(&email, NULL));
    sg_text secret = {0};
    MUST(sg_secret("API_KEY", &secret));
    add("secret", "%zu", secret.len);
    code("secret-denied", sg_secret("OTHER_KEY", &secret));
    sg_header header = {sg_text_of("x-a"), sg_text_of("b")};
    sg_request request = {.method = "POST", .url = "http://denied.example/", .headers = &header, .header_count = 1, .body = "ü", .body_len = 2};
    sg_response response;
    code("http-denied", sg_fetch(&request, &response));
    request.url = sg_setting("ECHO").at, request.timeout_ms = 10000;
    MUST(sg_fetch(&request, &response));
    const char *value = "none";
    for (size_t i = 0; i < response.header_count; i++)
        if (strcmp(response.headers[i].name.at, "x-a") == 0) value = response.headers[i].value.at;
    add("http", "%d %s %s", response.status, value, response.body.at);
    request = (sg_request){.url = sg_setting("GONE").at};
    code("http-unavailable", sg_fetch(&request, &response));
}

SANDGLASS_JOB(input) {
    sg_text progress = sg_progress();
    if (progress.at) return sg_ok("%sattempt=%u", progress.at, sg_attempt());
    sg_table items = {0};
    this_run(input);
    MUST(sg_open("items", &items));
    rows(items);
    queries(items);
    others();
    sg_checkpoint(lines);
    add("kept", "%s", truth(strncmp(sg_progress().at, lines, sg_progress().len) == 0));
    sg_checkpoint(lines);
    if (broke) return sg_failed(broke);
    return sg_failure(true, "again");
}
