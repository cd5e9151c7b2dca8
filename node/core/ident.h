/* Identifiers: their forms and check characters.
 *
 *   citizen number          GB 11643, check character ISO 7064 MOD 11-2
 *   unified social credit   GB 32100 (USCC), with the organisation code of GB 11714 inside
 *   certificate identifier  GB/T 36904, check character ISO 7064 MOD 37,36 (GB/T 17710)
 *   item code               GB/T 39554.1 (31 characters and more), GB/T 39046 (10, 24)
 *   case number             this system's own, for cases between regions
 *
 * All are pure and take folded text (ident_fold()). No error text repeats a value. Any thread. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"

enum {
	IDENT_USCC_CHARS = 18,
	IDENT_TYPE_CHARS = 21,       /* certificate type: USCC and three digits */
	IDENT_ISSUER_CHARS_MAX = 32, /* in a certificate identifier */
	IDENT_SERIAL_CHARS_MAX = 32,
	IDENT_ITEM_CHARS_MAX = 50,
	IDENT_CASE_ROOM = 23, /* case number and NUL */
	IDENT_CASE_SEQUENCE_MAX = 9999999,
};

/* GB 11643-1999: 17 digits, of which 7 to 14 are a day of birth not after |today|, and the check character.
 */
bool ident_citizen_valid(const char *code, tb_day today);

/* GB 32100-2015: 18 characters, no I O S V Z; both check characters hold (its own and GB 11714's). */
bool ident_uscc_valid(const char *code);

/* Full-width digits and letters to half width, lower case to upper, spaces (also U+3000) cut off both ends.
 * False, and |out| empty, if the result and its NUL do not fit into |room| bytes. */
bool ident_fold(char *out, size_t room, const char *text);

/* ISO 7064 MOD 37,36 check character over |text| in 0-9 A-Z; dots are skipped. 0 if another character is in
 * it or none at all. */
char ident_mod37_36(const char *text);

/* A certificate type code: the USCC of the authority that defines it and three digits. */
bool ident_type_valid(const char *type);
/* An issuer as it may stand in a certificate identifier: USCC, region code or the like; 1 to 32 of 0-9 A-Z.
 */
bool ident_issuer_valid(const char *issuer);

/* GB/T 36904: 1.2.156.3005.2 . TYPE . ISSUER . SERIAL . VERSION . CHECK, VERSION from 001. TB_EINVALID. */
TB_MUST_CHECK enum tb_code ident_credential_check(const char *identifier, struct tb_error *err);
/* |type| and |issuer| are valid (above), |serial| is 1 to 32 of 0-9 A-Z, |version| 1 to 999. */
void ident_credential_make(char out[TB_ID_BYTES_MAX], const char *type, const char *issuer,
                           const char *serial, unsigned version);

/* The name of a holder's code type (持证主体代码类型, GB/T 36903: data/holder_types.tsv); NULL if unknown. */
const char *ident_holder_type_name(const char *code_type);
/* 001 is checked as USCC, 111 as citizen number, the others for 1 to 64 bytes of printable text.
 * TB_EINVALID; the text begins with the field: "code_type: " or "code: ". */
TB_MUST_CHECK enum tb_code ident_holder_check(const char *code_type, const char *code, tb_day today,
                                              struct tb_error *err);

/* Region (6 digits) YYYYMMDD sequence (7 digits) check (MOD 37,36). */
void ident_case_number(char out[IDENT_CASE_ROOM], const char *region, tb_day day, uint32_t sequence);
TB_MUST_CHECK enum tb_code ident_case_number_check(const char *number, struct tb_error *err);

/* An item's code (事项编码) of either generation: 31 to 50 characters are USCC, level 1 to 7 (GB/T 39046,
 * A.2), 12 digits and whatever the business item adds; 10, 12 and 24 are taken by their length. TB_EINVALID.
 */
TB_MUST_CHECK enum tb_code ident_item_check(const char *code, struct tb_error *err);
