#include "base/error.h"

#include <inttypes.h>
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

/* A cut may have split a character: |text| ends before it. */
static void mend_end(char *text)
{
	size_t end = strlen(text), start = end;
	while (start > 0 && ((uint8_t)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	uint8_t lead = (uint8_t)text[start - 1];
	size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (end - (start - 1) < want)
		text[start - 1] = 0;
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
		if (size >= TB_ERROR_TEXT_MAX)
			mend_end(text);
		err->code = code;
		err->reason = TB_REASON_NONE;
		err->where[0] = 0;
		err->values_count = 0;
		memcpy(err->text, text, strlen(text) + 1);
	}
	return code;
}

/* ---- reasons */

static const struct {
	const char *name;
	enum tb_code code;
	const char *zh;
	const char *en;
} reasons[] = {{"", TB_OK, "", ""},
#define XX(name, code, zh, en) {#name, code, zh, en},
               TB_REASON_MAP(XX)
#undef XX
};

const char *tb_reason_name(enum tb_reason reason)
{
	return (unsigned)reason < TB_REASONS_COUNT ? reasons[reason].name : "";
}

enum tb_reason tb_reason_from_name(const char *name)
{
	for (unsigned i = 1; i < TB_REASONS_COUNT; i++) {
		if (strcmp(reasons[i].name, name) == 0)
			return (enum tb_reason)i;
	}
	return TB_REASON_NONE;
}

enum tb_code tb_reason_code(enum tb_reason reason)
{
	return (unsigned)reason < TB_REASONS_COUNT ? reasons[reason].code : TB_EINVALID;
}

const char *tb_reason_text(enum tb_reason reason, bool zh)
{
	if ((unsigned)reason >= TB_REASONS_COUNT)
		return "";
	return zh ? reasons[reason].zh : reasons[reason].en;
}

const char *tb_number_text(char out[24], uint64_t number)
{
	snprintf(out, 24, "%" PRIu64, number);
	return out;
}

const char *tb_octal_text(char out[24], unsigned number)
{
	snprintf(out, 24, "%04o", number);
	return out;
}

const char *tb_error_value(const struct tb_error *err, unsigned i)
{
	const char *value = err->values;
	if (i >= err->values_count)
		return "";
	for (; i > 0; i--)
		value += strlen(value) + 1;
	return value;
}

bool tb_error_add_value(struct tb_error *err, const char *value)
{
	size_t used = 0, size = strlen(value);
	for (unsigned i = 0; i < err->values_count; i++)
		used += strlen(err->values + used) + 1;
	if (err->values_count == TB_ERROR_VALUES || used + 1 >= sizeof(err->values))
		return false;
	size_t room = sizeof(err->values) - used - 1;
	bool all = size <= room;
	memcpy(err->values + used, value, all ? size : room);
	err->values[used + (all ? size : room)] = 0;
	if (!all)
		mend_end(err->values + used);
	err->values_count++;
	return all;
}

static void add(char out[TB_ERROR_TEXT_MAX], size_t *size, const char *text, size_t text_size)
{
	size_t room = TB_ERROR_TEXT_MAX - 1 - *size;
	size_t count = text_size < room ? text_size : room;
	memcpy(out + *size, text, count);
	*size += count;
	out[*size] = 0;
}

void tb_error_text(char out[TB_ERROR_TEXT_MAX], const struct tb_error *err, bool zh)
{
	size_t size = 0;
	out[0] = 0;
	if (err->reason == TB_REASON_NONE) {
		const char *text = err->text[0] ? err->text : tb_code_text(err->code);
		add(out, &size, text, strlen(text));
		return;
	}
	if (err->where[0]) {
		add(out, &size, err->where, strlen(err->where));
		add(out, &size, zh ? "：" : ": ", strlen(zh ? "：" : ": "));
	}
	for (const char *p = tb_reason_text(err->reason, zh); *p;) {
		if (p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}') {
			const char *value = tb_error_value(err, (unsigned)(p[1] - '1'));
			add(out, &size, value, strlen(value));
			p += 3;
		} else {
			add(out, &size, p++, 1);
		}
	}
	mend_end(out);
}

static enum tb_code refuse(struct tb_error *err, enum tb_code code, enum tb_reason reason, va_list values)
{
	if (err) {
		/* A value may be a part of *err. */
		struct tb_error made = {.code = code, .reason = reason};
		for (const char *value; (value = va_arg(values, const char *)) != NULL;)
			tb_error_add_value(&made, value);
		tb_error_text(made.text, &made, false);
		*err = made;
	}
	return code;
}

enum tb_code tb_refuse(struct tb_error *err, enum tb_reason reason, ...)
{
	va_list values;
	va_start(values, reason);
	enum tb_code code = refuse(err, tb_reason_code(reason), reason, values);
	va_end(values);
	return code;
}

enum tb_code tb_refuse_as(struct tb_error *err, enum tb_code code, enum tb_reason reason, ...)
{
	va_list values;
	va_start(values, reason);
	refuse(err, code, reason, values);
	va_end(values);
	return code;
}

enum tb_code tb_fail_at(struct tb_error *err, enum tb_code code, const struct tb_error *why, const char *fmt,
                        ...)
{
	if (err) {
		struct tb_error made = *why;
		char where[TB_ERROR_TEXT_MAX];
		size_t size = 0;
		va_list args;
		va_start(args, fmt);
		int cut = vsnprintf(where, sizeof(where), fmt, args);
		va_end(args);
		if (cut >= TB_ERROR_TEXT_MAX)
			mend_end(where);
		made.code = code;
		add(made.text, &size, where, strlen(where));
		add(made.text, &size, ": ", 2);
		add(made.text, &size, why->text, strlen(why->text));
		mend_end(made.text);
		const char *const places[] = {where, why->where[0] ? ": " : "", why->where};
		size_t at = 0;
		for (size_t i = 0; i < 3 && made.reason != TB_REASON_NONE; i++) {
			size_t part = strlen(places[i]);
			/* Where the place does not fit, the English text alone has it. */
			if (at + part >= sizeof(made.where)) {
				made.reason = TB_REASON_NONE;
				break;
			}
			memcpy(made.where + at, places[i], part + 1);
			at += part;
		}
		*err = made;
	}
	return code;
}

enum tb_code tb_fail_like(struct tb_error *err, enum tb_code code, const struct tb_error *why)
{
	if (err) {
		*err = *why;
		err->code = code;
	}
	return code;
}
