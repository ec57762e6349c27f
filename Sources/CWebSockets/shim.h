#pragma once
#include <libwebsockets.h>

/* A macro of casts: the room that lws_write wants in front of what it sends. */
enum { gosync_lws_room_before = LWS_PRE };
