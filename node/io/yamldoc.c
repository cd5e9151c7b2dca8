#include "node/io/yamldoc_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcyaml tells where an error is only in its log: first lines with the error, then a backtrace from the
 * innermost value outwards, "  in mapping field 'disclosure' (line: 4, column: 16)". */
enum { TRACE_BYTES_MAX = 8192, TRACE_DEPTH_MAX = 16 };

static void TB_PRINTF(3, 0) on_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	(void)level;
	struct tb_buf *log = ctx;
	char line[512];
	vsnprintf(line, sizeof(line), fmt, args);
	if (log->size < TRACE_BYTES_MAX)
		tb_buf_str(log, line);
}

struct trace {
	const char *message; /* without "Load: " */
	const char *steps[TRACE_DEPTH_MAX];
	size_t steps_count;
	unsigned long line;
	unsigned long column;
};

/* Cuts |log| into lines, in place. */
static void trace_parse(struct trace *trace, char *log)
{
	char *rest = NULL;
	for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "  in ", 5) == 0) {
			if (trace->steps_count < TRACE_DEPTH_MAX)
				trace->steps[trace->steps_count++] = line + 5;
		} else if (!trace->message) {
			trace->message = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
		}
	}
	if (!trace->message)
		trace->message = "not valid";
	trace->line = 1;
	const char *at = trace->steps_count ? strstr(trace->steps[0], "(line: ") : NULL;
	if (at && sscanf(at, "(line: %lu, column: %lu)", &trace->line, &trace->column) != 2)
		trace->column = 0;
}

/* "grants.verify[0].disclosure" from the steps, outermost first; |skip| innermost ones are left out. */
static void trace_path(const struct trace *trace, size_t skip, struct tb_buf *path)
{
	for (size_t i = trace->steps_count; i > skip; i--) {
		const char *step = trace->steps[i - 1];
		const char *open = strchr(step, '\'');
		const char *close = open ? strchr(open + 1, '\'') : NULL;
		if (!close)
			continue;
		int size = (int)(close - open - 1);
		if (strncmp(step, "sequence", 8) != 0) {
			tb_buf_printf(path, "%s%.*s", path->size ? "." : "", size, open + 1);
		} else if (strtoul(open + 1, NULL, 10) > 0) {
			/* libcyaml counts entries from 1; 0 is the sequence itself. */
			tb_buf_printf(path, "[%lu]", strtoul(open + 1, NULL, 10) - 1);
		}
	}
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || (c & 0x80);
}

static unsigned long line_at(struct tb_bytes text, size_t offset)
{
	unsigned long line = 1;
	for (size_t i = 0; i < offset && i < text.size; i++)
		line += text.data[i] == '\n';
	return line;
}

/* Offset of |word| as a whole word at or after |from|, followed by a colon if |key|; SIZE_MAX if none. */
static size_t find_word(struct tb_bytes text, size_t from, const char *word, bool key)
{
	size_t size = strlen(word);
	if (size == 0)
		return SIZE_MAX;
	const char *chars = (const char *)text.data;
	for (size_t i = from; i + size <= text.size; i++) {
		if (memcmp(chars + i, word, size) != 0 || (i > 0 && is_word(chars[i - 1])))
			continue;
		size_t end = i + size;
		if (end < text.size && is_word(chars[end]))
			continue;
		while (key && end < text.size && strchr("'\" \t", chars[end]))
			end++;
		if (!key || (end < text.size && chars[end] == ':'))
			return i;
	}
	return SIZE_MAX;
}

static size_t offset_of(struct tb_bytes text, unsigned long line, unsigned long column)
{
	size_t i = 0;
	for (; line > 1 && i < text.size; i++)
		line -= text.data[i] == '\n';
	return i + column < text.size ? i + column : text.size;
}

/* The text after |prefix| in |message|, or NULL. */
static const char *after(const char *message, const char *prefix)
{
	size_t size = strlen(prefix);
	return strncmp(message, prefix, size) == 0 ? message + size : NULL;
}

/* Errors about a field's name: libcyaml then points at the value before it. */
static const struct {
	const char *prefix;
	const char *what;
	bool locate;
} about_names[] = {
	{"Unexpected key: ", "unknown field", true},
	{"Mapping field already seen: ", "given twice", true},
	{"Missing required mapping field: ", "missing", false},
};

static const struct {
	const char *prefix;
	const char *what;
} about_values[] = {
	{"Invalid ENUM value: ", "not one of the values that it may have: "},
	{"Invalid INT value: ", "not a number in range: "},
	{"Invalid UINT value: ", "not a number in range: "},
	{"libyaml: ", "here or in the next lines: "},
	{"Ignoring documents after first", "only one document is allowed"},
	{"Insufficient entries", "too few entries"},
	{"Excessive entries", "too many entries"},
};

static enum tb_code fail_trace(const struct yamldoc *doc, char *log, struct tb_error *err)
{
	struct trace trace = {0};
	trace_parse(&trace, log);
	struct tb_buf path = {0};
	const char *what = NULL;
	const char *value = "";
	for (size_t i = 0; i < sizeof(about_names) / sizeof(about_names[0]) && !what; i++) {
		const char *name = after(trace.message, about_names[i].prefix);
		if (!name)
			continue;
		what = about_names[i].what;
		/* The innermost step is the sibling that was read last. */
		trace_path(&trace, 1, &path);
		tb_buf_printf(&path, "%s%s", path.size ? "." : "", name);
		size_t from = offset_of(doc->text, trace.line, trace.column ? trace.column - 1 : 0);
		size_t at = about_names[i].locate ? find_word(doc->text, from, name, true) : SIZE_MAX;
		if (at != SIZE_MAX)
			trace.line = line_at(doc->text, at);
	}
	if (!what) {
		trace_path(&trace, 0, &path);
		what = trace.message;
	}
	for (size_t i = 0; i < sizeof(about_values) / sizeof(about_values[0]); i++) {
		const char *found = after(trace.message, about_values[i].prefix);
		if (found) {
			what = about_values[i].what;
			value = strstr(what, ": ") ? found : "";
		}
	}
	enum tb_code code = tb_fail(err, TB_EINVALID, "%s:%lu: %s%s%s%.120s", doc->file, trace.line,
	                            tb_buf_text(&path), path.size ? ": " : "", what, value);
	tb_buf_clear(&path);
	return code;
}

static cyaml_config_t yamldoc_config(struct tb_buf *log)
{
	/* No aliases: a few lines of them grow to gigabytes. */
	return (cyaml_config_t){
		.log_fn = on_log,
		.log_ctx = log,
		.log_level = CYAML_LOG_WARNING,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

enum tb_code yamldoc_load(struct yamldoc *doc, const char *file, struct tb_bytes text,
                          const cyaml_schema_value_t *schema, struct tb_error *err)
{
	*doc = (struct yamldoc){.file = file, .text = text, .schema = schema};
	if (text.size == 0)
		return tb_fail(err, TB_EINVALID, "%s: empty file", file);
	/* libyaml stops at a NUL without a word. */
	if (!tb_utf8_valid(text))
		return tb_fail(err, TB_EINVALID, "%s: not UTF-8 text", file);
	struct tb_buf log = {0};
	cyaml_config_t config = yamldoc_config(&log);
	cyaml_err_t rc = cyaml_load_data(text.data, text.size, &config, schema, &doc->data, NULL);
	enum tb_code code = TB_OK;
	if (rc != CYAML_OK || log.size > 0) {
		tb_buf_text(&log);
		code = fail_trace(doc, (char *)log.data, err);
	} else if (!doc->data) {
		code = tb_fail(err, TB_EINVALID, "%s: empty file", file);
	}
	tb_buf_clear(&log);
	if (code != TB_OK)
		yamldoc_free(doc);
	return code;
}

void yamldoc_free(struct yamldoc *doc)
{
	if (!doc->data)
		return;
	struct tb_buf log = {0};
	cyaml_config_t config = yamldoc_config(&log);
	cyaml_free(&config, doc->schema, doc->data, 0);
	tb_buf_clear(&log);
	doc->data = NULL;
}

enum tb_code yamldoc_fail(const struct yamldoc *doc, const char *field, const char *value, size_t nth,
                          struct tb_error *err, const char *fmt, ...)
{
	const char *dot = strrchr(field, '.');
	char key[128];
	snprintf(key, sizeof(key), "%s", dot ? dot + 1 : field);
	key[strcspn(key, "[")] = '\0';
	size_t at = find_word(doc->text, 0, key, true);
	for (size_t from = at; value && from != SIZE_MAX; from = at + 1) {
		size_t found = find_word(doc->text, from, value, false);
		if (found == SIZE_MAX)
			break;
		at = found;
		if (nth-- == 0)
			break;
	}

	char what[TB_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	unsigned long line = at == SIZE_MAX ? 1 : line_at(doc->text, at);
	return tb_fail(err, TB_EINVALID, "%s:%lu: %s: %s", doc->file, line, field, what);
}

void yamldoc_quote(struct tb_buf *out, const char *text)
{
	tb_buf_str(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			tb_buf_str(out, "\\");
		tb_buf_add(out, text, 1);
	}
	tb_buf_str(out, "\"");
}
