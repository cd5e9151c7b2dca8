#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum tb_fault fault;
	const char *connect;
	const char *text;
} codes[] = {{"TB_OK", TB_FAULT_NONE, "ok", "done"},
#define XX(name, fault, connect, text) {#name, TB_FAULT_##fault, connect, text},
             TB_CODE_MAP(XX)
#undef XX
};

enum { CODES_COUNT = sizeof(codes) / sizeof(codes[0]) };

enum tb_fault tb_code_fault(enum tb_code code)
{
	return (unsigned)code < CODES_COUNT ? codes[code].fault : TB_FAULT_LOCAL;
}

const char *tb_code_name(enum tb_code code)
{
	return (unsigned)code < CODES_COUNT ? codes[code].name : "TB_UNKNOWN";
}

const char *tb_code_text(enum tb_code code)
{
	return (unsigned)code < CODES_COUNT ? codes[code].text : "unknown error";
}

const char *tb_code_connect(enum tb_code code)
{
	return (unsigned)code < CODES_COUNT ? codes[code].connect : "unknown";
}

enum tb_code tb_code_from_connect(const char *name)
{
	/* "ok" is not an error's name: a reply that calls its error so must not pass for success. */
	for (size_t i = 1; i < CODES_COUNT; i++) {
		if (strcmp(codes[i].connect, name) == 0)
			return (enum tb_code)i;
	}
	return TB_EIO;
}

enum tb_code tb_fail(struct tb_error *err, enum tb_code code, const char *fmt, ...)
{
	if (err) {
		/* An argument may be err->text itself: "peer 320400: %s". */
		char text[TB_ERROR_TEXT_MAX];
		va_list args;
		va_start(args, fmt);
		int size = vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		/* A cut may have split a character. */
		size_t end = strlen(text);
		if (size >= TB_ERROR_TEXT_MAX) {
			while (end > 0 && ((uint8_t)text[end - 1] & 0xC0) == 0x80)
				end--;
			if (end > 0 && (uint8_t)text[end - 1] >= 0xC0)
				end--;
		}
		err->code = code;
		memcpy(err->text, text, end);
		err->text[end] = 0;
	}
	return code;
}
