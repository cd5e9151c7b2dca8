/* tongban credential import: a file of any size, line by line, resumed where it stopped.
 *
 * The import is named by a digest of the file, so that the node knows how far this very file has come. While
 * the node works on some chunks the next one is read; if its disk is slow, it stores several at once. */
#include "node/cli/cmd_credential.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "node/cli/lines.h"
#include "node/cli/progress.h"
#include "node/cli/userfile.h"
#include "pki/merkle.h"

enum {
	IMPORT_LINES = 16384,         /* of a chunk, unless --batch says otherwise */
	IMPORT_CHUNK_BYTES = 7 << 20, /* JSON at most doubles it: below TB_API_BODY_BYTES_MAX */
	IMPORT_ATTEMPTS = 4,          /* lines that came through before are unchanged */
	IMPORT_LANES = 4,             /* the node holds as many that come early */
	HASH_BLOCK_BYTES = 256 * 1024,
	HASH_BLOCKS = 8, /* hashed together */
};

/* One chunk: being read, or on its way. */
struct lane {
	struct client_job *job;
	struct tb_arena arena; /* the lines */
	char **lines;
	size_t count;
	size_t bytes;
	uint64_t first_line;
	uint64_t start_offset;
	uint64_t end_offset;
	PbBadLine *bad; /* found here: sent as blank lines, which the node skips */
	size_t bad_count;
};

struct import {
	struct cli *cli;
	FILE *stream;
	const char *path;
	uint64_t size; /* bytes of the file */
	char id[2 * PKI_HASH_BYTES + 1];
	PbImportFormat format;
	char *header; /* CSV */
	bool stop;
	bool stopped;     /* by a bad line, with |stop| */
	uint64_t untaken; /* the first line of the chunk that a bad line stopped; 0: none */
	size_t chunk_lines;
	struct progress progress;
	struct lane lanes[IMPORT_LANES];
	size_t lane; /* the one being filled */
	PbImportStatusResponse done;
	uint64_t first_line; /* where this run begins */
	uint64_t at;         /* end of the last line taken; at first where the node's mark is */
};

/* ---- the file */

static enum tb_code open_file(struct import *import)
{
	struct stat st = {0};
	struct tb_error *err = &import->cli->error;
	import->stream = fopen(import->path, "rbe");
	if (!import->stream)
		return userfile_fail(err, import->path, errno);
	if (fstat(fileno(import->stream), &st) == 0 && S_ISDIR(st.st_mode))
		return userfile_fail(err, import->path, EISDIR);
	if (!S_ISREG(st.st_mode))
		return tb_refuse(err, TB_REASON_FILE_NOT_REGULAR, import->path, NULL);
	import->size = (uint64_t)st.st_size;
	return TB_OK;
}

static void show_progress(struct import *import, enum text_id what, uint64_t offset, uint64_t lines)
{
	struct tb_buf line = {0};
	char percent[16];
	char rate[24];
	char number[24];
	snprintf(percent, sizeof(percent), "%.1f",
	         import->size ? 100.0 * (double)offset / (double)import->size : 100);
	snprintf(rate, sizeof(rate), "%.0f", (double)lines / progress_seconds(&import->progress));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)lines);
	text_fill(&line, what, percent, number, rate, NULL);
	progress_show(&import->progress, tb_buf_text(&line));
	tb_buf_clear(&line);
}

/* The Merkle root of the file's blocks: several blocks are hashed in the time of one. */
static enum tb_code name_by_hash(struct import *import)
{
	uint8_t *blocks = tb_alloc((size_t)HASH_BLOCKS * HASH_BLOCK_BYTES);
	struct tb_buf leaves = {0};
	uint64_t offset = 0;
	for (size_t size; (size = fread(blocks, 1, HASH_BLOCKS * HASH_BLOCK_BYTES, import->stream)) > 0;) {
		struct tb_bytes parts[HASH_BLOCKS];
		struct pki_digest digests[HASH_BLOCKS];
		size_t count = 0;
		for (size_t at = 0; at < size; at += HASH_BLOCK_BYTES) {
			size_t left = size - at;
			parts[count++] =
				tb_bytes_of(blocks + at, left < HASH_BLOCK_BYTES ? left : HASH_BLOCK_BYTES);
		}
		pki_merkle_leaves(digests, parts, count);
		tb_buf_add(&leaves, digests, count * sizeof(digests[0]));
		offset += size;
		if (progress_due(&import->progress))
			show_progress(import, TEXT_M_IMPORT_READING, offset, 0);
	}
	struct pki_digest root = pki_merkle_root((const struct pki_digest *)(const void *)leaves.data,
	                                         leaves.size / sizeof(root));
	free(blocks);
	tb_buf_clear(&leaves);
	tb_hex(import->id, root.bytes, sizeof(root.bytes));
	progress_clear(&import->progress);
	if (ferror(import->stream))
		return tb_fail(&import->cli->error, TB_EIO, "%s: %s", import->path, strerror(errno));
	return TB_OK;
}

static enum tb_code choose_format(struct import *import, const char *given)
{
	struct stat st;
	const char *dot = strrchr(import->path, '.');
	const char *word = given ? given : dot ? dot + 1 : "";
	if (strcasecmp(word, "csv") == 0)
		import->format = PB_IMPORT_FORMAT__CSV;
	else if (strcasecmp(word, "jsonl") == 0 || (!given && strcasecmp(word, "ndjson") == 0))
		import->format = PB_IMPORT_FORMAT__JSONL;
	else if (given)
		return text_fail(&import->cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "format", "csv, jsonl",
		                 NULL);
	else if (stat(import->path, &st) == 0 && S_ISDIR(st.st_mode))
		return userfile_fail(&import->cli->error, import->path, EISDIR);
	else
		return text_fail(&import->cli->error, TB_EINVALID, TEXT_M_IMPORT_FORMAT, import->path, NULL);
	return TB_OK;
}

/* Why a line cannot be sent; NULL if it can. */
static const char *line_problem(const struct line *line)
{
	if (line->too_long)
		return text(TEXT_M_LINE_LONG);
	if (!tb_utf8_valid(line->bytes))
		return text(TEXT_M_LINE_UTF8);
	for (size_t i = 0; i < line->bytes.size; i++) {
		if (line->bytes.data[i] < 0x20 && line->bytes.data[i] != '\t')
			return text(TEXT_M_LINE_CONTROL);
	}
	return NULL;
}

/* The header of a CSV file, and the lines from where the node wants them. */
static enum tb_code open_lines(struct import *import, struct lines **out)
{
	struct line line;
	struct tb_error *err = &import->cli->error;
	/* A file that is done is gone through again: what it holds is unchanged, and what is bad is told
	 * again. */
	uint64_t from = import->done.offset < import->size ? import->done.offset : 0;
	*out = lines_new(import->stream, 0, 1, TB_IMPORT_LINE_BYTES_MAX);
	import->at = from;
	import->first_line = 1;
	if (import->format == PB_IMPORT_FORMAT__CSV) {
		if (!lines_next(*out, &line))
			return text_fail(err, TB_EINVALID, TEXT_M_IMPORT_EMPTY, import->path, NULL);
		const char *problem = line_problem(&line);
		if (problem)
			return tb_fail(err, TB_EINVALID, "%s:1: %s", import->path, problem);
		import->header = tb_arena_alloc(&import->cli->arena, line.bytes.size + 1);
		memcpy(import->header, line.bytes.data, line.bytes.size);
		import->first_line = 2;
	}
	/* The number of the line at |from| is found by counting: it is for people, and right by itself. */
	while (from > 0 && lines_next(*out, &line)) {
		import->first_line = line.number + 1;
		if (line.end >= from)
			break;
	}
	if (from > 0)
		text_say(stderr, TEXT_M_IMPORT_RESUMED, cli_number(import->cli, import->first_line), NULL);
	return TB_OK;
}

/* ---- chunks */

static void say_bad(struct import *import, uint64_t line, const char *reason)
{
	char number[24];
	progress_clear(&import->progress);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)line);
	text_say(stderr, TEXT_M_IMPORT_BAD, number, reason, NULL);
}

/* The bad lines of a chunk, those found here and those that the node found, in order. */
static void say_all_bad(struct import *import, const struct lane *lane, const PbImportResponse *reply)
{
	size_t here = 0;
	size_t there = 0;
	while (here < lane->bad_count || there < reply->n_bad) {
		bool take_here = there == reply->n_bad ||
		                 (here < lane->bad_count && lane->bad[here].line < reply->bad[there]->line);
		const PbBadLine *bad = take_here ? &lane->bad[here++] : reply->bad[there++];
		say_bad(import, bad->line, bad->reason);
	}
	import->done.refused += lane->bad_count + reply->n_bad;
}

/* Waits for a chunk that is on its way. */
static enum tb_code absorb(struct import *import, struct lane *lane)
{
	struct tb_bytes bytes;
	struct tb_arena arena = {0};
	proto_message *message = NULL;
	if (!client_job_busy(lane->job))
		return TB_OK;
	enum tb_code code = client_job_wait(lane->job, &bytes, &import->cli->error);
	if (import->stop && tb_code_fault(code) == TB_FAULT_PEER)
		import->untaken = lane->first_line;
	if (!code)
		code = proto_json_decode(&message, &pb_import_response__descriptor, bytes, &arena,
		                         &import->cli->error);
	if (!code) {
		const PbImportResponse *reply = (const PbImportResponse *)(const void *)message;
		say_all_bad(import, lane, reply);
		import->done.added += reply->added;
		import->done.unchanged += reply->unchanged;
		import->done.lines += lane->count;
		import->done.offset = lane->end_offset;
		if (progress_due(&import->progress))
			show_progress(import, TEXT_M_IMPORT_PROGRESS, lane->end_offset, import->done.lines);
	}
	tb_arena_clear(&arena);
	return code;
}

static void lane_begin(struct import *import, struct lane *lane)
{
	tb_arena_clear(&lane->arena);
	lane->lines = tb_arena_alloc(&lane->arena, import->chunk_lines * sizeof(char *));
	lane->bad = tb_arena_alloc(&lane->arena, import->chunk_lines * sizeof(PbBadLine));
	lane->count = lane->bytes = lane->bad_count = 0;
}

/* Waits for what is under way, in the order of the file; nothing of the chunk being filled is sent. */
static enum tb_code drain(struct import *import)
{
	enum tb_code code = TB_OK;
	for (size_t i = 1; i <= IMPORT_LANES && !code; i++)
		code = absorb(import, &import->lanes[(import->lane + i) % IMPORT_LANES]);
	return code;
}

/* Sends the chunk that was filled, while those before it may still be on their way: the node applies them in
 * the order of the file. With |stop| nothing is sent behind a chunk that may be refused. */
static enum tb_code send_chunk(struct import *import)
{
	struct lane *lane = &import->lanes[import->lane];
	PbImportRequest request = PB_IMPORT_REQUEST__INIT;
	if (lane->count == 0)
		return TB_OK;
	request.import_id = import->id;
	request.format = import->format;
	request.header = import->header ? import->header : cli_pb("");
	request.n_lines = lane->count;
	request.lines = lane->lines;
	request.first_line = lane->first_line;
	request.start_offset = lane->start_offset;
	request.end_offset = lane->end_offset;
	request.stop_on_error = import->stop;
	proto_json_encode(client_job_body(lane->job), &request.base);
	enum tb_code code = import->stop ? drain(import) : TB_OK;
	if (code)
		return code;
	client_job_start(lane->job, "/tongban.v1.CredentialService/Import", IMPORT_ATTEMPTS);
	import->lane = (import->lane + 1) % IMPORT_LANES;
	code = absorb(import, &import->lanes[import->lane]);
	if (code == TB_OK)
		lane_begin(import, &import->lanes[import->lane]);
	return code;
}

static enum tb_code take_line(struct import *import, const struct line *line)
{
	struct lane *lane = &import->lanes[import->lane];
	const char *problem = line_problem(line);
	char *text_of = tb_arena_alloc(&lane->arena, (problem ? 0 : line->bytes.size) + 1);
	if (!problem)
		memcpy(text_of, line->bytes.data, line->bytes.size);
	if (problem && import->stop) {
		enum tb_code code = drain(import);
		if (!code)
			say_bad(import, line->number, problem);
		import->done.refused++;
		import->stopped = true;
		import->untaken = lane->count > 0 ? lane->first_line : line->number;
		return code;
	}
	if (lane->count == 0) {
		lane->first_line = line->number;
		lane->start_offset = import->at;
	}
	import->at = line->end;
	if (problem)
		lane->bad[lane->bad_count++] = (PbBadLine){.line = line->number, .reason = cli_pb(problem)};
	lane->lines[lane->count++] = text_of;
	lane->bytes += line->bytes.size;
	lane->end_offset = line->end;
	if (lane->count == import->chunk_lines || lane->bytes + TB_IMPORT_LINE_BYTES_MAX > IMPORT_CHUNK_BYTES)
		return send_chunk(import);
	return TB_OK;
}

static enum tb_code import_lines(struct import *import)
{
	struct lines *lines = NULL;
	struct line line;
	enum tb_code code = open_lines(import, &lines);
	/* Totals are of this run: what an earlier one did was told then. */
	import->done = (PbImportStatusResponse)PB_IMPORT_STATUS_RESPONSE__INIT;
	for (size_t i = 0; i < IMPORT_LANES; i++)
		lane_begin(import, &import->lanes[i]);
	while (!code && !import->stopped && lines_next(lines, &line))
		code = take_line(import, &line);
	if (!code && ferror(import->stream))
		code = tb_fail(&import->cli->error, TB_EIO, "%s: %s", import->path, strerror(errno));
	if (!code && !import->stopped)
		code = send_chunk(import);
	if (!code)
		code = drain(import);
	progress_clear(&import->progress);
	lines_free(lines);
	return code;
}

static enum tb_code ask_status(struct import *import)
{
	PbImportStatusRequest request = PB_IMPORT_STATUS_REQUEST__INIT;
	PbImportStatusResponse *reply;
	struct cli *cli = import->cli;
	request.import_id = import->id;
	enum tb_code code =
		CLI_CALL(cli, "CredentialService/ImportStatus", &request, import_status_response, &reply);
	if (!code)
		import->done = *reply;
	return code;
}

static int finish(struct import *import, enum tb_code code)
{
	struct cli *cli = import->cli;
	if (cli->json)
		cli_print_json(&import->done.base);
	else
		text_say(stdout, TEXT_M_IMPORT_DONE, cli_number(cli, import->done.lines),
		         cli_number(cli, import->done.added), cli_number(cli, import->done.unchanged),
		         cli_number(cli, import->done.refused), NULL);
	if (import->untaken)
		text_say(stderr, TEXT_M_IMPORT_STOPPED, cli_number(cli, import->untaken), NULL);
	if (code)
		return cli_fail(cli, code);
	return import->done.refused > 0 ? CLI_REFUSED : CLI_DONE;
}

const struct option credential_import_options[] = {
	{"format", OPTION_VALUE, "csv|jsonl", TEXT_O_FORMAT},
	{"on-error", OPTION_VALUE, "skip|stop", TEXT_O_ON_ERROR},
	{"batch", OPTION_VALUE, "LINES", TEXT_O_BATCH_LINES},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

int credential_import_run(struct cli *cli, const struct options *options)
{
	struct import *import = tb_arena_alloc(&cli->arena, sizeof(*import));
	const char *on_error = options_value_or(options, "on-error", "skip");
	uint64_t batch;
	import->cli = cli;
	import->path = options->operands[0];
	if (choose_format(import, options_value(options, "format")) ||
	    options_number(options, "batch", 1, TB_IMPORT_LINES_MAX, IMPORT_LINES, &batch, &cli->error))
		return cli_usage(cli);
	if (strcmp(on_error, "skip") != 0 && strcmp(on_error, "stop") != 0) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "on-error", "skip, stop", NULL);
		return cli_usage(cli);
	}
	import->stop = strcmp(on_error, "stop") == 0;
	import->chunk_lines = (size_t)batch;
	progress_begin(&import->progress);
	for (size_t i = 0; i < IMPORT_LANES; i++)
		import->lanes[i].job = client_job_new(cli->dir);
	enum tb_code code = open_file(import);
	if (!code)
		code = name_by_hash(import);
	if (!code)
		code = ask_status(import);
	bool begun = !code;
	if (!code) {
		progress_begin(&import->progress);
		code = import_lines(import);
	}
	for (size_t i = 0; i < IMPORT_LANES; i++) {
		client_job_free(import->lanes[i].job);
		tb_arena_clear(&import->lanes[i].arena);
	}
	if (import->stream)
		fclose(import->stream);
	return begun ? finish(import, code) : cli_fail(cli, code);
}
