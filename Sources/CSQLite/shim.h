#pragma once
/* Declares what Debian's library has; without it, nothing would link. */
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include <sqlite3.h>

/* Variadic. Without a sum of all memory, allocating takes no lock that all connections share. */
static inline int gosync_sqlite_start(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return sqlite3_initialize();
}

/* SQLITE_TRANSIENT is a cast macro, which Swift cannot import. */
static inline int gosync_bind_text(sqlite3_stmt *statement, int index, const char *text, int count) {
    return sqlite3_bind_text(statement, index, text ? text : "", count, SQLITE_TRANSIENT);
}

static inline int gosync_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes ? bytes : "", count, SQLITE_TRANSIENT);
}

static inline void gosync_result_text(sqlite3_context *context, const char *text, int count) {
    sqlite3_result_text(context, text ? text : "", count, SQLITE_TRANSIENT);
}

static inline void gosync_result_blob(sqlite3_context *context, const void *bytes, int count) {
    sqlite3_result_blob(context, bytes ? bytes : "", count, SQLITE_TRANSIENT);
}
