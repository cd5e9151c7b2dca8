/* Records: certificates from outside text (JSON lines, CSV) to checked structs.
 *
 * Reading gives a PbCredential in the caller's arena, with codes folded and dates in one form
 * (record_fold()). record_check() holds it against the rules; it neither changes nor allocates. Error texts
 * name the field, never the value. Sources: GB/T 36902 (directory information), GB/T 36903 (metadata), RFC
 * 4180 (CSV). Any thread. */
#pragma once

#include "base/limits.h"
#include "base/time.h"
#include "proto/codec.h"

enum {
	RECORD_COLUMNS_MAX = 14 + TB_ATTRIBUTES_MAX,
	RECORD_NAMES_BYTES_MAX = 4096, /* attribute names of one header, NULs counted */
};

/* What the columns of a CSV file mean. In the caller's storage; nothing to be freed. */
struct record_csv {
	size_t columns_count;
	size_t attributes_count;
	uint8_t columns[RECORD_COLUMNS_MAX];   /* index into the table of columns */
	uint16_t names_at[RECORD_COLUMNS_MAX]; /* attributes: where in |names| */
	char names[RECORD_NAMES_BYTES_MAX];    /* attribute names, each with its NUL */
};

/* One JSON object as protobuf's mapping has it. *out is NULL on failure. */
TB_MUST_CHECK enum tb_code record_from_json(PbCredential **out, struct tb_bytes line, struct tb_arena *arena,
                                            struct tb_error *err);

/* Reads the header |line|: columns in any order, named in English or Chinese; a UTF-8 BOM is skipped.
 *
 *   identifier 证照标识          issuer 证照颁发机构代码       issuer_name 证照颁发机构
 *   type 证照类型代码            type_name 证照类型名称        number 证照编号         name 证照名称
 *   holder_code_type 持证主体代码类型   holder_code 持证主体代码   holder_name 持证主体
 *   issued_on 证照颁发日期       valid_from 有效期起始         valid_until 有效期截止
 *   region 证照所属管辖属地编码  attr.NAME: attribute NAME; left out where empty
 *
 * TB_EMALFORMED names a column that is unknown, there twice, or missing though required. */
TB_MUST_CHECK enum tb_code record_csv_header(struct record_csv *csv, struct tb_bytes line,
                                             struct tb_error *err);

/* One line, quoted as RFC 4180 says, without line breaks in fields. Several holders: values joined by '|' in
 * each of the three columns; holder_name may be empty as a whole. */
TB_MUST_CHECK enum tb_code record_from_csv(PbCredential **out, const struct record_csv *csv,
                                           struct tb_bytes line, struct tb_arena *arena,
                                           struct tb_error *err);

/* Folds identifier, type, issuer, region and the holders' codes (ident_fold()); writes dates YYYYMMDD as
 * YYYY-MM-DD; an end of validity 长期 ("long-term") becomes empty. What does not change is left where it is.
 * The two readers above have done it already. */
void record_fold(PbCredential *credential, struct tb_arena *arena);

/* Required: type, number, name, a holder, issuer, issued_on. TB_ETOOBIG: over a length of base/limits.h.
 * TB_EINVALID: not of its form; a date not real, out of order or an issue after |today|; an identifier of
 * another type; a region in another province than |home_region| (100000 holds any). */
TB_MUST_CHECK enum tb_code record_check(const PbCredential *credential, const char *home_region, tb_day today,
                                        struct tb_error *err);
