/* Structured log: one JSON object a line on stderr. Only node/io and node/cli log; every other room returns
 * errors.
 *
 * Field values are escaped and cut at LOG_VALUE_MAX; nothing personal is ever given to it in clear. Any
 * thread. */
#pragma once

#include "base/error.h"
#include "base/time.h"

enum tb_log_level { TB_LOG_DEBUG, TB_LOG_INFO, TB_LOG_WARN, TB_LOG_ERROR };

/* Lines below |level| are dropped. |now| gives the time of a line; NULL leaves it out. */
void tb_log_setup(enum tb_log_level level, tb_time (*now)(void));

/* Writes {"time":..,"level":..,"event":|event|, key: value, ...}. The variable part is pairs of const char *
 * key, const char *value, ended by NULL. A NULL value is skipped. */
void tb_log(enum tb_log_level level, const char *event, ...) __attribute__((sentinel));
