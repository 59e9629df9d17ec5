/* What sandglass.h declares. Included by it, once in a program, where SANDGLASS_IMPLEMENTATION is defined. */

#include "sandglass_abi.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A pointer, as it goes over to the host. */
#define SG_AT(pointer) ((int32_t)(uintptr_t)(pointer))

/* The host's texts: four bytes of where, four of how long, which is an sg_text here. */
_Static_assert(sizeof(sg_text) == 8 && sizeof(sg_header) == 16 && sizeof(sg_row) == 40, "the host's layout");

/* The host asks here for memory to hand something over in. One byte more, for the NUL behind a text. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    if (size == 0) return (void *)align;
    char *memory = realloc(old, size + 1);
    if (!memory) {
        fputs("sandglass: no memory is left for what the host hands over\n", stderr);
        abort();
    }
    memory[size] = 0;
    return memory;
}

void sg_free(void *memory) {
    /* An empty list is no memory: the host gave its alignment. */
    if ((uintptr_t)memory > 8) free(memory);
}

static void *sg_take(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        fputs("sandglass: no memory is left\n", stderr);
        abort();
    }
    return memory;
}

sg_text sg_text_of(const char *text) {
    return (sg_text){(char *)text, text ? strlen(text) : 0};
}

static char *sg_vformat(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = sg_take((len > 0 ? (size_t)len : 0) + 1);
    if (len > 0) vsnprintf(text, (size_t)len + 1, format, arguments);
    return text;
}

char *sg_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sg_vformat(format, arguments);
    va_end(arguments);
    return text;
}

/* A text that the host gave: an empty one has no memory. */
static sg_text sg_given(sg_text text) {
    return text.len ? text : (sg_text){(char *)"", 0};
}

static bool sg_is(sg_text text, const char *other) {
    return text.len == strlen(other) && memcmp(text.at, other, text.len) == 0;
}

bool sg_retriable(const sg_error *error) {
    static const char *const final[] = {"denied", "not-found", "conflict", "invalid", "quota"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (sg_is(error->code, final[i])) return false;
    return true;
}

/* Results. The first byte says whether it is an error, which stands where the value would. */
typedef struct {
    uint8_t is_error;
    union {
        sg_error error;
        sg_text text;
        int32_t handle;
        uint8_t flag;
        struct {
            sg_row *rows;
            uint32_t count;
            uint8_t has_next;
            sg_text next;
        } page;
        struct {
            uint16_t status;
            sg_header *headers;
            uint32_t header_count;
            sg_text body;
        } response;
    };
} sg_result;

typedef struct {
    uint8_t is_error;
    union {
        _Alignas(8) sg_error error;
        uint64_t number;
        struct {
            uint8_t is_some;
            sg_row row;
        } row;
    };
} sg_wide_result;
_Static_assert(sizeof(sg_result) == 24 && sizeof(sg_wide_result) == 56, "the host's layout");

static const sg_error *sg_told(sg_error error) {
    sg_error *kept = sg_take(sizeof *kept);
    *kept = (sg_error){sg_given(error.code), sg_given(error.message)};
    return kept;
}

sg_outcome sg_ok(const char *format, ...) {
    if (!format) return (sg_outcome){.ok = true};
    va_list arguments;
    va_start(arguments, format);
    char *text = sg_vformat(format, arguments);
    va_end(arguments);
    return (sg_outcome){.ok = true, .text = sg_text_of(text)};
}

sg_outcome sg_ok_text(sg_text text) {
    return (sg_outcome){.ok = true, .text = text};
}

sg_outcome sg_failure(bool retry, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sg_vformat(format, arguments);
    va_end(arguments);
    return (sg_outcome){.ok = false, .retry = retry, .text = sg_text_of(text)};
}

sg_outcome sg_failed(const sg_error *error) {
    return sg_failure(sg_retriable(error), "%s: %s", error->code.at, error->message.at);
}

/* result<option<string>, failure> */
typedef struct {
    uint8_t is_failure;
    uint8_t flag __attribute__((aligned(4))); /* there is a text; or another attempt is worth it */
    sg_text text;
} sg_returned;
_Static_assert(sizeof(sg_returned) == 16, "the host's layout");

__attribute__((export_name("sandglass:job/run@0.1.0#run"))) sg_returned *sg_run(int32_t has_input, char *at, size_t len);
sg_returned *sg_run(int32_t has_input, char *at, size_t len) {
    static sg_returned returned;
    sg_outcome outcome = sg_job(has_input ? sg_given((sg_text){at, len}) : (sg_text){0});
    fflush(stdout);
    returned.is_failure = !outcome.ok;
    returned.flag = outcome.ok ? outcome.text.at != NULL : outcome.retry;
    returned.text = outcome.text;
    return &returned;
}

/* this-run */

#define SG_TEXT_OF_RUN(name, function)           \
    sg_text name(void) {                         \
        sg_text text;                            \
        function(SG_AT(&text));                  \
        return sg_given(text);                   \
    }
SG_TEXT_OF_RUN(sg_job_name, sandglass_abi_this_run_job)
SG_TEXT_OF_RUN(sg_run_id, sandglass_abi_this_run_run_id)
SG_TEXT_OF_RUN(sg_trigger, sandglass_abi_this_run_trigger)

uint32_t sg_attempt(void) { return (uint32_t)sandglass_abi_this_run_attempt(); }
int64_t sg_scheduled_for(void) { return sandglass_abi_this_run_scheduled_for(); }
int64_t sg_now(void) { return sandglass_abi_this_run_now(); }
int64_t sg_deadline(void) { return sandglass_abi_this_run_deadline(); }

bool sg_last_success(int64_t *instant) {
    struct {
        uint8_t is_some;
        int64_t instant;
    } option;
    sandglass_abi_this_run_last_success(SG_AT(&option));
    if (option.is_some) *instant = option.instant;
    return option.is_some;
}

typedef struct {
    uint8_t is_some;
    sg_text text;
} sg_option;

sg_text sg_setting(const char *name) {
    sg_option option;
    sandglass_abi_this_run_setting(SG_AT(name), (int32_t)strlen(name), SG_AT(&option));
    return option.is_some ? sg_given(option.text) : (sg_text){0};
}

sg_text sg_progress(void) {
    sg_option option;
    sandglass_abi_this_run_progress(SG_AT(&option));
    return option.is_some ? sg_given(option.text) : (sg_text){0};
}

void sg_checkpoint(const char *progress) {
    sg_text text = sg_text_of(progress);
    sandglass_abi_this_run_checkpoint(progress != NULL, SG_AT(text.at), (int32_t)text.len);
}

char *sg_instant_text(int64_t instant, char buffer[SG_INSTANT_SIZE]) {
    int64_t seconds = instant / 1000, millis = instant % 1000;
    if (millis < 0) millis += 1000, seconds--;
    time_t time = (time_t)seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    size_t len = strftime(buffer, SG_INSTANT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(buffer + len, SG_INSTANT_SIZE - len, ".%03dZ", (int)millis);
    return buffer;
}

void sg_log(sg_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sg_vformat(format, arguments);
    va_end(arguments);
    sandglass_abi_log_write(level, SG_AT(text), (int32_t)strlen(text));
    free(text);
}

/* table */

const sg_error *sg_open(const char *name, sg_table *table) {
    sg_result result;
    sandglass_abi_table_open(SG_AT(name), (int32_t)strlen(name), SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    table->handle = result.handle;
    return NULL;
}

void sg_close(sg_table table) { sandglass_abi_table_resource_drop_table(table.handle); }

const sg_error *sg_insert(sg_table table, const char *fields, const char *id, sg_text *made) {
    sg_result result;
    sg_text given = sg_text_of(id);
    sandglass_abi_table_table_insert(table.handle, SG_AT(fields), (int32_t)strlen(fields), id != NULL, SG_AT(given.at),
                                     (int32_t)given.len, SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    if (made) *made = result.text;
    else sg_free(result.text.at);
    return NULL;
}

const sg_error *sg_get(sg_table table, const char *id, sg_row *row, bool *found) {
    sg_wide_result result;
    sandglass_abi_table_table_get(table.handle, SG_AT(id), (int32_t)strlen(id), SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    *found = result.row.is_some;
    if (result.row.is_some) *row = result.row.row;
    return NULL;
}

const sg_error *sg_update(sg_table table, const char *id, const char *fields, uint64_t if_version) {
    sg_result result;
    sandglass_abi_table_table_update(table.handle, SG_AT(id), (int32_t)strlen(id), SG_AT(fields),
                                     (int32_t)strlen(fields), if_version != SG_ANY_VERSION, (int64_t)if_version,
                                     SG_AT(&result));
    return result.is_error ? sg_told(result.error) : NULL;
}

const sg_error *sg_put(sg_table table, const char *id, const char *fields) {
    sg_result result;
    sandglass_abi_table_table_put(table.handle, SG_AT(id), (int32_t)strlen(id), SG_AT(fields), (int32_t)strlen(fields),
                                  SG_AT(&result));
    return result.is_error ? sg_told(result.error) : NULL;
}

const sg_error *sg_delete(sg_table table, const char *id, uint64_t if_version, bool *was_there) {
    sg_result result;
    sandglass_abi_table_table_delete(table.handle, SG_AT(id), (int32_t)strlen(id), if_version != SG_ANY_VERSION,
                                     (int64_t)if_version, SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    if (was_there) *was_there = result.flag;
    return NULL;
}

static void sg_room(uint32_t count, uint32_t most, const char *what) {
    if (count < most) return;
    fprintf(stderr, "sandglass: a query has at most %u %s\n", most, what);
    abort();
}

void sg_where_json(sg_query *query, const char *field, const char *operator, const char *json) {
    sg_room(query->condition_count, SG_CONDITIONS_MAX, "conditions");
    uint32_t at = query->condition_count++;
    query->conditions[at].field = sg_text_of(field);
    query->conditions[at].operator = sg_text_of(operator);
    query->conditions[at].value = sg_text_of(json);
}

void sg_where_text(sg_query *query, const char *field, const char *operator, const char *text) {
    sg_where_json(query, field, operator, sg_json_quote(text));
}

void sg_where_integer(sg_query *query, const char *field, const char *operator, int64_t number) {
    sg_where_json(query, field, operator, sg_format("%lld", (long long)number));
}

void sg_where_instant(sg_query *query, const char *field, const char *operator, int64_t instant) {
    char buffer[SG_INSTANT_SIZE];
    sg_where_text(query, field, operator, sg_instant_text(instant, buffer));
}

void sg_or(sg_query *query) {
    sg_room(query->group_count, SG_GROUPS_MAX, "groups of conditions");
    query->group_begins[query->group_count++] = query->condition_count;
}

void sg_order_by(sg_query *query, const char *field, bool descending) {
    sg_room(query->order_count, SG_ORDERS_MAX, "orders");
    query->orders[query->order_count].field = sg_text_of(field);
    query->orders[query->order_count++].descending = descending;
}

/* The filter as the host has it: a list of lists of conditions. Groups without one do not count. */
typedef struct {
    struct {
        const void *conditions;
        uint32_t count;
    } groups[SG_GROUPS_MAX + 1];
    uint32_t count;
} sg_filter;

static sg_filter sg_filter_of(const sg_query *query) {
    sg_filter filter = {.count = 0};
    uint32_t begins = 0;
    for (uint32_t group = 0; group <= query->group_count; group++) {
        uint32_t ends = group < query->group_count ? query->group_begins[group] : query->condition_count;
        if (ends > begins) {
            filter.groups[filter.count].conditions = &query->conditions[begins];
            filter.groups[filter.count++].count = ends - begins;
        }
        begins = ends;
    }
    return filter;
}

const sg_error *sg_ask(sg_table table, const sg_query *query, sg_page *page) {
    sg_result result;
    sg_filter filter = sg_filter_of(query);
    sandglass_abi_table_table_query(table.handle, SG_AT(filter.groups), (int32_t)filter.count, SG_AT(query->orders),
                                    (int32_t)query->order_count, (int32_t)query->limit, query->cursor.at != NULL,
                                    SG_AT(query->cursor.at), (int32_t)query->cursor.len, SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    page->rows = result.page.rows;
    page->count = result.page.count;
    page->next = result.page.has_next ? result.page.next : (sg_text){0};
    return NULL;
}

void sg_page_free(sg_page *page) {
    for (size_t i = 0; i < page->count; i++) {
        sg_free(page->rows[i].id.at);
        sg_free(page->rows[i].fields.at);
    }
    sg_free(page->rows);
    *page = (sg_page){0};
}

static const sg_error *sg_number(const sg_wide_result *result, uint64_t *number) {
    if (result->is_error) return sg_told(result->error);
    if (number) *number = result->number;
    return NULL;
}

const sg_error *sg_count(sg_table table, const sg_query *query, uint64_t *rows) {
    sg_wide_result result;
    sg_filter filter = sg_filter_of(query);
    sandglass_abi_table_table_count(table.handle, SG_AT(filter.groups), (int32_t)filter.count, SG_AT(&result));
    return sg_number(&result, rows);
}

const sg_error *sg_delete_where(sg_table table, const sg_query *query, uint32_t limit, uint64_t *deleted) {
    sg_wide_result result;
    sg_filter filter = sg_filter_of(query);
    if (limit == 0) {
        /* To the host 0 is all that one commit may write. */
        if (deleted) *deleted = 0;
        return NULL;
    }
    sandglass_abi_table_table_delete_where(table.handle, SG_AT(filter.groups), (int32_t)filter.count, (int32_t)limit,
                                           SG_AT(&result));
    return sg_number(&result, deleted);
}

/* email */

typedef struct {
    sg_text *at;
    uint32_t len;
} sg_list;

static sg_list sg_list_of(const char *const *texts) {
    uint32_t count = 0;
    while (texts && texts[count]) count++;
    sg_list list = {sg_take(count * sizeof(sg_text)), count};
    for (uint32_t i = 0; i < count; i++) list.at[i] = sg_text_of(texts[i]);
    return list;
}

static sg_option sg_option_of(const char *text) { return (sg_option){text != NULL, sg_text_of(text)}; }

const sg_error *sg_send(const sg_email *email, sg_text *id) {
    struct {
        sg_text name, type, content;
    } *files = sg_take(email->attachment_count * sizeof *files);
    for (size_t i = 0; i < email->attachment_count; i++) {
        const sg_attachment *file = &email->attachments[i];
        files[i].name = sg_text_of(file->file_name);
        files[i].type = sg_text_of(file->content_type);
        files[i].content = (sg_text){(char *)file->content, file->len};
    }
    struct {
        sg_list to, cc, bcc;
        sg_option reply_to;
        sg_text subject;
        sg_option text, html;
        const void *files;
        uint32_t file_count;
    } message = {
        sg_list_of(email->to),
        sg_list_of(email->cc),
        sg_list_of(email->bcc),
        sg_option_of(email->reply_to),
        sg_text_of(email->subject ? email->subject : ""),
        sg_option_of(email->text),
        sg_option_of(email->html),
        files,
        (uint32_t)email->attachment_count,
    };
    _Static_assert(sizeof message == 76, "the host's layout");
    sg_result result;
    sandglass_abi_email_send(SG_AT(&message), SG_AT(&result));
    free(message.to.at), free(message.cc.at), free(message.bcc.at), free(files);
    if (result.is_error) return sg_told(result.error);
    if (id) *id = result.text;
    else sg_free(result.text.at);
    return NULL;
}

/* http */

const sg_error *sg_fetch(const sg_request *request, sg_response *response) {
    sg_result result;
    const char *method = request->method ? request->method : "GET";
    sandglass_abi_http_send(SG_AT(method), (int32_t)strlen(method), SG_AT(request->url), (int32_t)strlen(request->url),
                            SG_AT(request->headers), (int32_t)request->header_count, request->body != NULL,
                            SG_AT(request->body), (int32_t)request->body_len, request->timeout_ms != 0,
                            (int32_t)request->timeout_ms, SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    response->status = result.response.status;
    response->headers = result.response.headers;
    response->header_count = result.response.header_count;
    response->body = sg_given(result.response.body);
    return NULL;
}

/* secret */

const sg_error *sg_secret(const char *name, sg_text *value) {
    sg_result result;
    sandglass_abi_secret_get(SG_AT(name), (int32_t)strlen(name), SG_AT(&result));
    if (result.is_error) return sg_told(result.error);
    *value = sg_given(result.text);
    return NULL;
}

/* JSON */

static const char *sg_json_space(const char *at, const char *end) {
    while (at < end && strchr(" \t\r\n", *at)) at++;
    return at;
}

/* Behind the value that begins at `at`; the host's JSON is valid. */
static const char *sg_json_behind(const char *at, const char *end) {
    int depth = 0;
    do {
        if (*at == '"') {
            for (at++; at < end && *at != '"'; at++)
                if (*at == '\\') at++;
            at++;
        } else if (*at == '{' || *at == '[') {
            depth++, at++;
        } else if (*at == '}' || *at == ']') {
            depth--, at++;
        } else if (depth > 0 && strchr(",: \t\r\n", *at)) {
            at++;
        } else {
            while (at < end && !strchr(",:]} \t\r\n", *at)) at++;
        }
    } while (depth > 0 && at < end);
    return at < end ? at : end;
}

static size_t sg_utf8(uint32_t code, char *to) {
    if (code < 0x80) return *to = (char)code, 1;
    if (code < 0x800) return to[0] = (char)(0xc0 | code >> 6), to[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12), to[1] = (char)(0x80 | (code >> 6 & 63)), to[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18), to[1] = (char)(0x80 | (code >> 12 & 63));
    to[2] = (char)(0x80 | (code >> 6 & 63)), to[3] = (char)(0x80 | (code & 63));
    return 4;
}

static uint32_t sg_hex(const char *at) {
    char digits[5] = {at[0], at[1], at[2], at[3], 0};
    return (uint32_t)strtoul(digits, NULL, 16);
}

/* The text of a JSON string, from its first quote. */
static sg_text sg_json_unquote(const char *at, const char *end) {
    char *text = sg_take((size_t)(end - at) + 1), *to = text;
    for (at++; at < end && *at != '"'; at++) {
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        const char *from = "bfnrt", *into = "\b\f\n\r\t", *known = strchr(from, *++at);
        if (*at == 'u' && end - at > 4) {
            uint32_t code = sg_hex(at + 1);
            at += 4;
            if (code >> 10 == 0x36 && end - at > 6 && at[1] == '\\' && at[2] == 'u') {
                code = 0x10000 + ((code & 0x3ff) << 10) + (sg_hex(at + 3) & 0x3ff);
                at += 6;
            }
            to += sg_utf8(code, to);
        } else {
            *to++ = known ? into[known - from] : *at;
        }
    }
    return (sg_text){text, (size_t)(to - text)};
}

sg_text sg_json_member(sg_text object, const char *name) {
    const char *end = object.at + object.len, *at = sg_json_space(object.at, end);
    if (at >= end || *at != '{') return (sg_text){0};
    for (at = sg_json_space(at + 1, end); at < end && *at == '"'; at = sg_json_space(at, end)) {
        const char *behind = sg_json_behind(at, end);
        sg_text key = sg_json_unquote(at, behind);
        bool is_it = sg_is(key, name);
        free(key.at);
        at = sg_json_space(behind, end);
        at = sg_json_space(at + 1, end);
        behind = sg_json_behind(at, end);
        if (is_it) return (sg_text){(char *)at, (size_t)(behind - at)};
        at = sg_json_space(behind, end);
        if (at < end && *at == ',') at = sg_json_space(at + 1, end);
    }
    return (sg_text){0};
}

bool sg_json_text(sg_text object, const char *name, sg_text *value) {
    sg_text member = sg_json_member(object, name);
    if (!member.at || *member.at != '"') return false;
    *value = sg_json_unquote(member.at, member.at + member.len);
    return true;
}

bool sg_json_integer(sg_text object, const char *name, int64_t *value) {
    sg_text member = sg_json_member(object, name);
    if (!member.at || !member.len) return false;
    char *end;
    long long number = strtoll(member.at, &end, 10);
    if (end != member.at + member.len) return false;
    *value = number;
    return true;
}

char *sg_json_quote(const char *text) {
    char *quoted = sg_take(strlen(text) * 6 + 3), *to = quoted;
    *to++ = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') *to++ = '\\', *to++ = (char)c;
        else if (c < 0x20) to += sprintf(to, "\\u%04x", c);
        else *to++ = (char)c;
    }
    *to++ = '"';
    return quoted;
}
