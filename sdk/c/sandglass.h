/* Jobs for Sandglass, in C.
 *
 *     #define SANDGLASS_IMPLEMENTATION        // in one file of the program
 *     #include "sandglass.h"
 *
 *     SANDGLASS_JOB(input) {
 *         sg_table t;
 *         const sg_error *e = sg_open("sessions", &t);
 *         if (e) return sg_failed(e);
 *         sg_query q = {0};
 *         sg_where_text(&q, "last_seen", "lt", "2026-01-01T00:00:00Z");
 *         uint64_t deleted;
 *         if ((e = sg_delete_where(t, &q, SG_ALL, &deleted))) return sg_failed(e);
 *         return sg_ok("deleted %llu rows", (unsigned long long)deleted);
 *     }
 *
 * Built with clang --target=wasm32-wasi -mexec-model=reactor, and uploaded as it is.
 *
 * Texts that come from the host end with a NUL, which does not count. Memory is the instance's, which lives for one
 * attempt: only what is held many thousand times over needs sg_free. A call gives NULL where it was done, and else why
 * it was not. */
#ifndef SANDGLASS_H
#define SANDGLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 of a length. `at` is NULL where there is none. */
typedef struct {
    char *at;
    size_t len;
} sg_text;

/* Why a call was not done. `code` is one of denied, not-found, conflict, invalid, quota, unavailable; treat one that is
 * new to you as unavailable. */
typedef struct {
    sg_text code, message;
} sg_error;

/* Whether the same call may work in a later attempt. */
bool sg_retriable(const sg_error *error);

/* What becomes of the attempt. */
typedef struct {
    bool ok, retry;
    sg_text text;
} sg_outcome;

/* Success, with a text as printf makes it, which is kept with the run; NULL for none. */
sg_outcome sg_ok(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a text that is there, which may have NULs. */
sg_outcome sg_ok_text(sg_text text);
/* Failure, and whether another attempt is worth it. What the attempt wrote since its last checkpoint is dropped. */
sg_outcome sg_failure(bool retry, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Failure because of an error of the host, with another attempt where that may pass. */
sg_outcome sg_failed(const sg_error *error);

/* Defines the job. The input is the JSON text that the caller of a manual or webhook run sent; `at` is NULL for a
 * scheduled one. */
#define SANDGLASS_JOB(input) sg_outcome sg_job(sg_text input)
SANDGLASS_JOB(input);

/* The run that is going on. Instants are milliseconds since 1970 in UTC. */
sg_text sg_job_name(void);
sg_text sg_run_id(void);   /* the same for every attempt of the run */
uint32_t sg_attempt(void); /* 1 for the first */
sg_text sg_trigger(void);  /* schedule, catch-up, backfill, manual, webhook, try, or one that is new */
int64_t sg_scheduled_for(void);
bool sg_last_success(int64_t *instant); /* false before the first */
int64_t sg_now(void);
int64_t sg_deadline(void);
sg_text sg_setting(const char *name); /* of the specification's [env]; NULL where there is none */
sg_text sg_progress(void);            /* what the newest checkpoint left; NULL where there is none */
/* Commits what the attempt wrote so far, and its emails, together with `progress` (NULL for none). It returns once that
 * is durable: the next attempt of the run starts from here. Where the commit cannot be had, it does not return. */
void sg_checkpoint(const char *progress);

/* RFC 3339 text of an instant, such as 2026-01-31T08:30:00.000Z. */
#define SG_INSTANT_SIZE 32
char *sg_instant_text(int64_t instant, char buffer[SG_INSTANT_SIZE]);

/* The run's log. What is printed ends there too. */
typedef enum { SG_TRACE, SG_DEBUG, SG_INFO, SG_WARN, SG_ERROR } sg_level;
void sg_log(sg_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A table that the job was granted. It may not exist yet: the first insert makes it. */
typedef struct {
    int32_t handle;
} sg_table;

/* A row. `fields` is a JSON object; `version` is 0 while it is not committed. */
typedef struct {
    sg_text id;
    uint64_t version;
    int64_t created_at, updated_at;
    sg_text fields;
} sg_row;

#define SG_ANY_VERSION UINT64_MAX

const sg_error *sg_open(const char *name, sg_table *table);
void sg_close(sg_table table); /* an attempt can hold 1,000 */
/* Adds a row. `id` NULL has one made; `made`, where it is not NULL, gets it. conflict where it is there. */
const sg_error *sg_insert(sg_table table, const char *fields, const char *id, sg_text *made);
/* One row; `found` says whether there is one. */
const sg_error *sg_get(sg_table table, const char *id, sg_row *row, bool *found);
/* Merges a JSON object into the row (RFC 7396). not-found where there is no such row, conflict where its version is
 * another than `if_version`. */
const sg_error *sg_update(sg_table table, const char *id, const char *fields, uint64_t if_version);
/* Puts a row in place of what is there. */
const sg_error *sg_put(sg_table table, const char *id, const char *fields);
/* Deletes a row; `was_there`, where it is not NULL, says whether there was one. */
const sg_error *sg_delete(sg_table table, const char *id, uint64_t if_version, bool *was_there);

/* Which rows, in which order. Zeroed it is every row, by id. Conditions that follow one another must all hold; sg_or
 * begins another group of them, and a row matches where one group does. */
#define SG_CONDITIONS_MAX 32
#define SG_GROUPS_MAX 8
#define SG_ORDERS_MAX 8
typedef struct {
    struct {
        sg_text field, operator, value;
    } conditions[SG_CONDITIONS_MAX];
    struct {
        sg_text field;
        bool descending;
    } orders[SG_ORDERS_MAX];
    uint32_t group_begins[SG_GROUPS_MAX]; /* of the groups after the first */
    uint32_t condition_count, group_count, order_count;
    uint32_t limit; /* rows in a page; 0 for the host's default */
    sg_text cursor; /* where a page of the same filter and order ended */
} sg_query;

/* Operators: eq, ne, lt, le, gt, ge, starts-with, in (a JSON array), exists (true or false). Fields must stay as they
 * are until the query was asked; too many of them end the program. */
void sg_where_json(sg_query *query, const char *field, const char *operator, const char *json);
void sg_where_text(sg_query *query, const char *field, const char *operator, const char *text);
void sg_where_integer(sg_query *query, const char *field, const char *operator, int64_t number);
void sg_where_instant(sg_query *query, const char *field, const char *operator, int64_t instant);
void sg_or(sg_query *query);
void sg_order_by(sg_query *query, const char *field, bool descending);

/* A part of a query's answer. `next` goes into the query's `cursor`; its `at` is NULL after the last. */
typedef struct {
    sg_row *rows;
    size_t count;
    sg_text next;
} sg_page;

const sg_error *sg_ask(sg_table table, const sg_query *query, sg_page *page);
void sg_page_free(sg_page *page);
const sg_error *sg_count(sg_table table, const sg_query *query, uint64_t *rows);
/* Deletes at most so many of the rows that match, in the order of their ids. SG_ALL where one commit may write them;
 * quota where they are more. */
#define SG_ALL UINT32_MAX
const sg_error *sg_delete_where(sg_table table, const sg_query *query, uint32_t limit, uint64_t *deleted);

/* A message. The host sets From, Date and Message-ID. It needs a recipient, and a text or HTML. */
typedef struct {
    const char *file_name, *content_type;
    const void *content;
    size_t len;
} sg_attachment;

typedef struct {
    const char *const *to, *const *cc, *const *bcc; /* each ends with NULL; NULL for none */
    const char *reply_to, *subject, *text, *html;
    const sg_attachment *attachments;
    size_t attachment_count;
} sg_email;

/* Puts it in the outbox when the attempt commits; `id`, where it is not NULL, gets its Message-ID. */
const sg_error *sg_send(const sg_email *email, sg_text *id);

/* Requests to the hosts that the job was granted. */
typedef struct {
    sg_text name, value;
} sg_header;

typedef struct {
    const char *method; /* NULL for GET */
    const char *url;    /* absolute, http or https */
    const sg_header *headers;
    size_t header_count;
    const void *body; /* NULL for none */
    size_t body_len;
    uint32_t timeout_ms; /* 0 for the host's default */
} sg_request;

typedef struct {
    uint16_t status;
    sg_header *headers;
    size_t header_count;
    sg_text body;
} sg_response;

const sg_error *sg_fetch(const sg_request *request, sg_response *response);

/* A secret's newest value. denied where it is not granted, or was never set. */
const sg_error *sg_secret(const char *name, sg_text *value);

/* JSON. A member of an object, as the text that it is there, NULL where there is none; a text's without its quotes and
 * escapes; an integer's. The last two are false where it is something else. */
sg_text sg_json_member(sg_text object, const char *name);
bool sg_json_text(sg_text object, const char *name, sg_text *value);
bool sg_json_integer(sg_text object, const char *name, int64_t *value);
/* The text in quotes, as JSON has it. */
char *sg_json_quote(const char *text);
/* A text as printf makes it. */
char *sg_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

sg_text sg_text_of(const char *text); /* NULL stays NULL */
void sg_free(void *memory);

#ifdef SANDGLASS_IMPLEMENTATION
#include "sandglass_impl.h"
#endif
#endif
