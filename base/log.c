#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"

enum { LOG_VALUE_MAX = 512 };

static enum tb_log_level log_level = TB_LOG_INFO;
static tb_time (*log_now)(void);

void tb_log_setup(enum tb_log_level level, tb_time (*now)(void))
{
	log_level = level;
	log_now = now;
}

/* Escapes for JSON; what is not printable UTF-8 becomes '?', so that a value can't forge a line or a colour.
 */
static void add_value(struct tb_buf *line, const char *value)
{
	size_t count = 0;
	tb_buf_str(line, "\"");
	for (const char *p = value; *p && count < LOG_VALUE_MAX; count++) {
		size_t size = 1;
		while (((uint8_t)p[size] & 0xC0) == 0x80 && size < 4)
			size++;
		if (!tb_text_printable(tb_bytes_of(p, size)))
			tb_buf_str(line, "?");
		else if (*p == '"' || *p == '\\')
			tb_buf_printf(line, "\\%c", *p);
		else
			tb_buf_add(line, p, size);
		p += size;
	}
	tb_buf_str(line, "\"");
}

void tb_log(enum tb_log_level level, const char *event, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	if (level < log_level)
		return;
	struct tb_buf line = {0};
	tb_buf_str(&line, "{");
	if (log_now) {
		char at[30];
		tb_time_format(at, log_now());
		tb_buf_printf(&line, "\"time\":\"%s\",", at);
	}
	tb_buf_printf(&line, "\"level\":\"%s\",\"event\":", names[level]);
	add_value(&line, event);
	va_list args;
	va_start(args, event);
	for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
		const char *value = va_arg(args, const char *);
		if (!value)
			continue;
		tb_buf_str(&line, ",");
		add_value(&line, key);
		tb_buf_str(&line, ":");
		add_value(&line, value);
	}
	va_end(args);
	tb_buf_str(&line, "}\n");
	/* One write a line, so that lines of several threads don't mix. A log that can't be written is not an
	 * error. */
	ssize_t written = write(STDERR_FILENO, line.data, line.size);
	(void)written;
	tb_buf_clear(&line);
}
