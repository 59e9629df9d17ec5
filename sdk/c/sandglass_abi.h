/* The host's functions as core WebAssembly has them. Generated from wit/job.wit by a test of host/runtime: do
 * not edit. sandglass.h is what a job uses. */
#ifndef SANDGLASS_ABI_H
#define SANDGLASS_ABI_H

#include <stdint.h>

#define SANDGLASS_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

SANDGLASS_IMPORT("sandglass:job/email@0.1.0", "send")
void sandglass_abi_email_send(int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/http@0.1.0", "send")
void sandglass_abi_http_send(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/log@0.1.0", "write")
void sandglass_abi_log_write(int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/secret@0.1.0", "get")
void sandglass_abi_secret_get(int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.count")
void sandglass_abi_table_table_count(int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.delete")
void sandglass_abi_table_table_delete(int32_t, int32_t, int32_t, int32_t, int64_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.delete-where")
void sandglass_abi_table_table_delete_where(int32_t, int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.get")
void sandglass_abi_table_table_get(int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.insert")
void sandglass_abi_table_table_insert(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.put")
void sandglass_abi_table_table_put(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.query")
void sandglass_abi_table_table_query(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[method]table.update")
void sandglass_abi_table_table_update(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int64_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "[resource-drop]table")
void sandglass_abi_table_resource_drop_table(int32_t);

SANDGLASS_IMPORT("sandglass:job/table@0.1.0", "open")
void sandglass_abi_table_open(int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "attempt")
int32_t sandglass_abi_this_run_attempt(void);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "checkpoint")
void sandglass_abi_this_run_checkpoint(int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "deadline")
int64_t sandglass_abi_this_run_deadline(void);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "job")
void sandglass_abi_this_run_job(int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "last-success")
void sandglass_abi_this_run_last_success(int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "now")
int64_t sandglass_abi_this_run_now(void);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "progress")
void sandglass_abi_this_run_progress(int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "run-id")
void sandglass_abi_this_run_run_id(int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "scheduled-for")
int64_t sandglass_abi_this_run_scheduled_for(void);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "setting")
void sandglass_abi_this_run_setting(int32_t, int32_t, int32_t);

SANDGLASS_IMPORT("sandglass:job/this-run@0.1.0", "trigger")
void sandglass_abi_this_run_trigger(int32_t);

#endif
