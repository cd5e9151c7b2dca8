/* tongban credential verify --batch: JSON Lines of Query in, JSON Lines of VerifyOutcome out, in the same
 * order.
 *
 * While one batch is made or written out two others are under way, so that the link never waits for this
 * program. Queries and outcomes are spliced as text; a line is decoded here only when the node refuses the
 * batch that it is in. */
#include "node/cli/cmd_credential.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/jsontext.h"
#include "node/cli/lines.h"
#include "node/cli/progress.h"
#include "node/cli/userfile.h"

enum {
	BATCH_QUERIES = 1024, /* one batch of the wire (TB_BATCH_ITEMS_MAX) */
	BATCH_BYTES = 8 << 20,
	BATCH_LANES = 3, /* two under way, one being made or written out */
	BATCH_ATTEMPTS = 4,
};

static const char verify_path[] = "/tongban.v1.CredentialService/Verify";

struct query_line {
	uint64_t number;
	struct tb_bytes text;
	enum tb_code code; /* TB_OK: asked */
	const char *reason;
};

struct lane {
	struct client_job *job;
	struct tb_arena arena; /* the lines */
	struct query_line lines[BATCH_QUERIES];
	size_t count;
	size_t asked; /* lines with code TB_OK */
};

struct batch {
	struct cli *cli;
	const char *region;
	FILE *stream;
	FILE *out;
	struct lines *lines;
	struct progress progress;
	struct lane *lanes; /* BATCH_LANES */
	uint64_t written;   /* outcomes */
	uint64_t refused;   /* among them: errors */
};

/* ---- in */

static bool is_blank(struct tb_bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != ' ' && text.data[i] != '\t')
			return false;
	}
	return true;
}

static void take_line(struct lane *lane, const struct line *line)
{
	struct query_line *query = &lane->lines[lane->count++];
	*query = (struct query_line){.number = line->number, .code = TB_EMALFORMED};
	if (line->too_long)
		query->reason = text(TEXT_M_LINE_LONG);
	else if (!tb_utf8_valid(line->bytes))
		query->reason = text(TEXT_M_LINE_UTF8);
	else if (!jsontext_is_object(line->bytes))
		query->reason = text(TEXT_M_LINE_OBJECT);
	else
		query->code = TB_OK;
	if (query->code == TB_OK)
		query->text = tb_arena_bytes(&lane->arena, line->bytes);
}

/* Reads the next lines; false if there are none. */
static bool fill(struct batch *batch, struct lane *lane)
{
	struct line line;
	size_t bytes = 0;
	tb_arena_clear(&lane->arena);
	lane->count = 0;
	while (lane->count < BATCH_QUERIES && bytes + TB_IMPORT_LINE_BYTES_MAX < BATCH_BYTES &&
	       lines_next(batch->lines, &line)) {
		if (!line.too_long && is_blank(line.bytes))
			continue;
		take_line(lane, &line);
		bytes += line.bytes.size;
	}
	return lane->count > 0;
}

/* The request around the lines as they are. A region code needs no escapes: digits are all that is let
 * through. */
static void make_body(const struct batch *batch, struct lane *lane)
{
	struct tb_buf *body = client_job_body(lane->job);
	body->size = 0;
	lane->asked = 0;
	tb_buf_printf(body, "{\"region\":\"%s\",\"queries\":[", batch->region);
	for (size_t i = 0; i < lane->count; i++) {
		if (lane->lines[i].code != TB_OK)
			continue;
		if (lane->asked++ > 0)
			tb_buf_str(body, ",");
		tb_buf_add(body, lane->lines[i].text.data, lane->lines[i].text.size);
	}
	tb_buf_str(body, "]}");
}

static void start(const struct batch *batch, struct lane *lane)
{
	make_body(batch, lane);
	if (lane->asked > 0)
		client_job_start(lane->job, verify_path, BATCH_ATTEMPTS);
}

/* ---- out */

static void add_escaped(struct tb_buf *out, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			tb_buf_add(out, "\\", 1);
		if ((unsigned char)*p < 0x20)
			tb_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*p);
		else
			tb_buf_add(out, p, 1);
	}
}

static void write_error(struct batch *batch, const struct query_line *query)
{
	struct tb_buf line = {0};
	tb_buf_printf(&line, "{\"error\":{\"line\":%llu,\"code\":\"%s\",\"message\":\"",
	              (unsigned long long)query->number, tb_code_connect(query->code));
	add_escaped(&line, query->reason);
	tb_buf_str(&line, "\"}}\n");
	fwrite(line.data, 1, line.size, batch->out);
	tb_buf_clear(&line);
	batch->refused++;
}

static enum tb_code write_outcomes(struct batch *batch, const struct lane *lane, struct tb_bytes reply)
{
	size_t at = 0;
	for (size_t i = 0; i < lane->count; i++) {
		struct tb_bytes outcome;
		if (lane->lines[i].code != TB_OK) {
			write_error(batch, &lane->lines[i]);
		} else if (jsontext_element(reply, "outcomes", &at, &outcome)) {
			fwrite(outcome.data, 1, outcome.size, batch->out);
			fputc('\n', batch->out);
		} else {
			return text_fail(&batch->cli->error, TB_EIO, TEXT_M_NO_ANSWER, NULL);
		}
		batch->written++;
	}
	if (ferror(batch->out))
		return tb_fail(&batch->cli->error, TB_EIO, "cannot write: %s", strerror(errno));
	return TB_OK;
}

/* ---- a batch that was refused */

static void blame(struct lane *lane, struct query_line *query, enum tb_code code, const char *reason)
{
	query->code = code;
	query->reason = tb_arena_str(&lane->arena, reason);
}

/* Lines that are JSON but no queries. */
static size_t blame_undecodable(struct lane *lane)
{
	size_t blamed = 0;
	for (size_t i = 0; i < lane->count; i++) {
		struct tb_arena scratch = {0};
		struct tb_error why;
		proto_message *message;
		if (lane->lines[i].code != TB_OK)
			continue;
		enum tb_code code = proto_json_decode(&message, &pb_query__descriptor, lane->lines[i].text,
		                                      &scratch, &why);
		if (code) {
			blame(lane, &lane->lines[i], code, why.text);
			blamed++;
		}
		tb_arena_clear(&scratch);
	}
	return blamed;
}

/* The node names a query that it refuses: "queries[17].purpose: missing". */
static bool blame_named(struct lane *lane, const struct tb_error *err)
{
	static const char prefix[] = "queries[";
	char *end;
	if (strncmp(err->text, prefix, sizeof(prefix) - 1) != 0)
		return false;
	unsigned long long index = strtoull(err->text + sizeof(prefix) - 1, &end, 10);
	if (*end != ']')
		return false;
	const char *reason = end[1] == '.' || end[1] == ':' ? end + 2 : end + 1;
	while (*reason == ' ')
		reason++;
	for (size_t i = 0; i < lane->count; i++) {
		if (lane->lines[i].code == TB_OK && index-- == 0) {
			blame(lane, &lane->lines[i], err->code, reason);
			return true;
		}
	}
	return false;
}

/* Waits for the lane's answer. Queries that the node refuses are taken out, and the others asked again: each
 * turn takes out one at least. */
static enum tb_code collect(struct batch *batch, struct lane *lane)
{
	struct tb_bytes reply = {0};
	bool decoded = false;
	if (lane->count == 0)
		return TB_OK;
	while (lane->asked > 0) {
		enum tb_code code = client_job_wait(lane->job, &reply, &batch->cli->error);
		if (!code)
			break;
		bool blamed = false;
		if (!decoded && tb_code_fault(code) == TB_FAULT_PEER)
			blamed = blame_undecodable(lane) > 0;
		decoded = true;
		if (!blamed && !blame_named(lane, &batch->cli->error))
			return code;
		start(batch, lane);
	}
	enum tb_code code = write_outcomes(batch, lane, reply);
	lane->count = 0;
	if (!code && progress_due(&batch->progress)) {
		struct tb_buf line = {0};
		char rate[24];
		snprintf(rate, sizeof(rate), "%.0f",
		         (double)batch->written / progress_seconds(&batch->progress));
		text_fill(&line, TEXT_M_BATCH_PROGRESS, cli_number(batch->cli, batch->written), rate, NULL);
		progress_show(&batch->progress, tb_buf_text(&line));
		tb_buf_clear(&line);
	}
	return code;
}

static enum tb_code run_lanes(struct batch *batch)
{
	enum tb_code code = TB_OK;
	size_t next = 0;
	/* Before a lane is filled again what it brought is written out: outcomes leave in the order of the
	 * lanes. */
	while (!code && fill(batch, &batch->lanes[next])) {
		start(batch, &batch->lanes[next]);
		next = (next + 1) % BATCH_LANES;
		code = collect(batch, &batch->lanes[next]);
	}
	for (size_t i = 0; i < BATCH_LANES && !code; i++)
		code = collect(batch, &batch->lanes[(next + i) % BATCH_LANES]);
	progress_clear(&batch->progress);
	if (!code && ferror(batch->stream))
		code = tb_fail(&batch->cli->error, TB_EIO, "cannot read: %s", strerror(errno));
	return code;
}

static int finish(struct batch *batch, enum tb_code code)
{
	struct cli *cli = batch->cli;
	text_say(stderr, TEXT_M_BATCH_DONE, cli_number(cli, batch->written), cli_number(cli, batch->refused),
	         NULL);
	if (code)
		return cli_fail(cli, code);
	return batch->refused > 0 ? CLI_REFUSED : CLI_DONE;
}

static enum tb_code open_files(struct batch *batch, const char *in, struct userfile_out *out,
                               const char *path)
{
	struct tb_error *err = &batch->cli->error;
	batch->stream = strcmp(in, "-") == 0 ? stdin : fopen(in, "rbe");
	if (!batch->stream)
		return userfile_fail(err, in, errno);
	batch->lines = lines_new(batch->stream, 0, 1, TB_IMPORT_LINE_BYTES_MAX);
	enum tb_code code = userfile_out_open(out, path, err);
	batch->out = out->stream;
	return code;
}

int credential_batch_run(struct cli *cli, const struct options *options, const char *region)
{
	struct batch batch = {.cli = cli, .region = region};
	struct userfile_out out = {0};
	struct tb_error late;
	if (strspn(region, "0123456789") != strlen(region)) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_REGION_DIGITS, region, NULL);
		return cli_usage(cli);
	}
	enum tb_code code =
		open_files(&batch, options_value(options, "batch"), &out, options_value(options, "out"));
	bool begun = !code;
	if (begun) {
		batch.lanes = tb_alloc(BATCH_LANES * sizeof(*batch.lanes));
		for (size_t i = 0; i < BATCH_LANES; i++)
			batch.lanes[i].job = client_job_new(cli->dir);
		progress_begin(&batch.progress);
		code = run_lanes(&batch);
		for (size_t i = 0; i < BATCH_LANES; i++) {
			client_job_free(batch.lanes[i].job);
			tb_arena_clear(&batch.lanes[i].arena);
		}
		free(batch.lanes);
		/* What was answered before a failure was answered: it stays. */
		enum tb_code closed = userfile_out_close(&out, true, &late);
		if (closed && !code)
			code = tb_fail_like(&cli->error, closed, &late);
	}
	lines_free(batch.lines);
	if (batch.stream && batch.stream != stdin)
		fclose(batch.stream);
	return begun ? finish(&batch, code) : cli_fail(cli, code);
}
