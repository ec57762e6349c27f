#pragma once
/* curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call: one function per
 * type of argument. */
#include <curl/curl.h>

static inline CURLcode gosync_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

/* Strings are copied by libcurl, except for CURLOPT_POSTFIELDS. */
static inline CURLcode gosync_curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gosync_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/* A pointer that libcurl keeps, and does not copy. */
static inline CURLcode gosync_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode gosync_curl_set_headers(CURL *handle, struct curl_slist *list) {
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
}

static inline CURLcode gosync_curl_set_data(CURL *handle, CURLoption option, curl_write_callback call) {
    return curl_easy_setopt(handle, option, call);
}

static inline CURLcode gosync_curl_set_read(CURL *handle, curl_read_callback call) {
    return curl_easy_setopt(handle, CURLOPT_READFUNCTION, call);
}

static inline CURLcode gosync_curl_set_seek(CURL *handle, curl_seek_callback call) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, call);
}

static inline CURLcode gosync_curl_set_progress(CURL *handle, curl_xferinfo_callback call) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, call);
}

static inline CURLcode gosync_curl_set_socket_options(CURL *handle, curl_sockopt_callback call) {
    return curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, call);
}

static inline CURLMcode gosync_curl_limit_connections(CURLM *multi, long count) {
    return curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, count);
}

static inline CURLcode gosync_curl_set_prerequest(CURL *handle, curl_prereq_callback call) {
    return curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, call);
}
