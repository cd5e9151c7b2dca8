/* Certificates as text. The first byte says how: 0, a JSON object; 1, a CSV line under a header with every
 * column; 2, a header and, after a line feed, a line. What was read is folded already, and what passes the
 * check comes back from its encoding. */
#include <assert.h>
#include <string.h>

#include "node/core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char every_column[] =
	"identifier,type,type_name,number,name,holder_code_type,holder_code,holder_name,"
	"issuer,issuer_name,issued_on,valid_from,valid_until,region,attr.use";

static void check(PbCredential *credential, struct tb_arena *arena)
{
	struct tb_error err = {0};
	PbCredential *again = NULL;
	struct tb_bytes first = proto_encode_arena(arena, &credential->base);
	record_fold(credential, arena);
	assert(tb_bytes_equal(proto_encode_arena(arena, &credential->base), first));
	enum tb_code code = record_check(credential, "320400", tb_day_of(2026, 9, 21), &err);
	assert(code == TB_OK || code == TB_EINVALID || code == TB_ETOOBIG);
	assert(code == TB_OK || (err.text[0] && tb_text_printable(tb_bytes_str(err.text))));
	if (code != TB_OK)
		return;
	code = PROTO_DECODE(&again, credential, first, arena, &err);
	assert(code == TB_OK);
}

static enum tb_code read_csv(PbCredential **out, struct tb_bytes header, struct tb_bytes line,
                             struct tb_arena *arena, struct tb_error *err)
{
	struct record_csv csv;
	enum tb_code code = record_csv_header(&csv, header, err);
	if (code != TB_OK)
		return code;
	assert(csv.columns_count <= RECORD_COLUMNS_MAX && csv.attributes_count <= TB_ATTRIBUTES_MAX);
	return record_from_csv(out, &csv, line, arena, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbCredential *credential = NULL;
	struct tb_bytes text = {data + 1, size - 1};
	enum tb_code code;
	const uint8_t *feed = text.size ? memchr(text.data, '\n', text.size) : NULL;
	if (data[0] % 3 == 0) {
		code = record_from_json(&credential, text, &arena, &err);
	} else if (data[0] % 3 == 1) {
		code = read_csv(&credential, tb_bytes_str(every_column), text, &arena, &err);
	} else {
		size_t head = feed ? (size_t)(feed - text.data) : text.size;
		size_t skip = feed ? head + 1 : head;
		code = read_csv(&credential, tb_bytes_of(text.data, head),
		                tb_bytes_of(text.data + skip, text.size - skip), &arena, &err);
	}
	assert((code == TB_OK) == (credential != NULL));
	assert(code == TB_OK || (err.code == code && tb_utf8_valid(tb_bytes_str(err.text))));
	if (credential)
		check(credential, &arena);
	tb_arena_clear(&arena);
	return 0;
}
