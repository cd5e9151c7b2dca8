/* Errors: a code decides, a text explains.
 *
 * Functions that can fail return an enum tb_code; TB_OK is 0. Callers branch on the code or on its fault
 * class, never on the text. Running out of memory is not an error here: tb_alloc() stops the process, because
 * every length from outside is bounded (base/limits.h) before it is allocated, and a node restarts clean. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason_cases.h"
#include "base/reason_others.h"

#if defined(__GNUC__)
#define TB_MUST_CHECK __attribute__((warn_unused_result))
#define TB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TB_MUST_CHECK
#define TB_PRINTF(fmt, args)
#endif

/* name, fault class, Connect/gRPC code name (connectrpc.com/docs/protocol, "Error codes"), text */
#define TB_CODE_MAP(XX)                                                                         \
	XX(TB_EMALFORMED, PEER, "invalid_argument", "malformed input")                          \
	XX(TB_ETOOBIG, PEER, "invalid_argument", "over a limit")                                \
	XX(TB_EINVALID, PEER, "invalid_argument", "not valid")                                  \
	XX(TB_ENOTFOUND, PEER, "not_found", "not found")                                        \
	XX(TB_EEXISTS, PEER, "already_exists", "already exists with other content")             \
	XX(TB_EDENIED, PEER, "permission_denied", "not granted")                                \
	XX(TB_ESTATE, PEER, "failed_precondition", "not possible in this state")                \
	XX(TB_ECALENDAR, LOCAL, "failed_precondition", "date outside the working-day calendar") \
	XX(TB_EUNTRUSTED, PEER, "unauthenticated", "not trusted")                               \
	XX(TB_EEXPIRED, PEER, "unauthenticated", "expired or not yet valid")                    \
	XX(TB_EREPLAY, PEER, "unauthenticated", "replayed")                                     \
	XX(TB_ETHROTTLED, TRANSIENT, "resource_exhausted", "rate limit reached")                \
	XX(TB_EUNREACHABLE, TRANSIENT, "unavailable", "cannot be reached")                      \
	XX(TB_ETIMEOUT, TRANSIENT, "deadline_exceeded", "took too long")                        \
	XX(TB_EBUSY, TRANSIENT, "unavailable", "in use")                                        \
	XX(TB_EUNIMPLEMENTED, PEER, "unimplemented", "no such method")                          \
	XX(TB_EFULL, LOCAL, "resource_exhausted", "no room left")                               \
	XX(TB_ESTORAGE, LOCAL, "internal", "storage failed")                                    \
	XX(TB_ECORRUPT, LOCAL, "data_loss", "stored data is damaged")                           \
	XX(TB_ECRYPTO, LOCAL, "internal", "cryptographic library failed")                       \
	XX(TB_EIO, LOCAL, "internal", "input or output failed")                                 \
	XX(TB_EPERMISSIONS, LOCAL, "failed_precondition", "file permissions are too loose or too tight")

enum tb_code {
	TB_OK = 0,
#define XX(name, fault, connect, text) name,
	TB_CODE_MAP(XX)
#undef XX
};

/* PEER: drop or refuse the input. TRANSIENT: try again later. LOCAL: alarm the operator. */
enum tb_fault { TB_FAULT_NONE, TB_FAULT_PEER, TB_FAULT_TRANSIENT, TB_FAULT_LOCAL };

/* Why, where people are told: a word that stays for programs, and its text in both languages with places {1}
 * .. {9} for values. Refusals that only programmers or peers meet have a text alone. */
#define TB_REASON_MAP(XX) TB_REASONS_CASES(XX) TB_REASONS_OTHERS(XX)

enum tb_reason {
	TB_REASON_NONE = 0,
#define XX(name, code, zh, en) TB_REASON_##name,
	TB_REASON_MAP(XX)
#undef XX
		TB_REASONS_COUNT
};

enum { TB_ERROR_TEXT_MAX = 256, TB_ERROR_WHERE_MAX = 64, TB_ERROR_VALUES = 6 };

struct tb_error {
	enum tb_code code;
	char text[TB_ERROR_TEXT_MAX]; /* One line, UTF-8, English, no secrets and no personal data. */
	enum tb_reason reason;
	char where[TB_ERROR_WHERE_MAX]; /* what the reason is about, before its text: "items[3]"; or "" */
	char values[TB_ERROR_TEXT_MAX]; /* of the reason's places, each ended by NUL */
	unsigned values_count;
};

enum tb_fault tb_code_fault(enum tb_code code);
const char *tb_code_name(enum tb_code code);    /* "TB_EMALFORMED" */
const char *tb_code_text(enum tb_code code);    /* "malformed input" */
const char *tb_code_connect(enum tb_code code); /* "invalid_argument" */
/* The code whose Connect name is |name|; TB_EIO if there is none. Several share a name: the first is given.
 */
enum tb_code tb_code_from_connect(const char *name);

/* Fills |err|, if given, and returns |code|. */
enum tb_code tb_fail(struct tb_error *err, enum tb_code code, const char *fmt, ...) TB_PRINTF(3, 4);
/* The same for |reason|, whose code is returned; the variable part are its values, const char *, ended by
 * NULL.
 */
enum tb_code tb_refuse(struct tb_error *err, enum tb_reason reason, ...) __attribute__((sentinel));
/* With a code of its own. */
enum tb_code tb_refuse_as(struct tb_error *err, enum tb_code code, enum tb_reason reason, ...)
	__attribute__((sentinel));
/* What went wrong is |why|, at a place that |fmt| says. |err| may not be |why|. */
enum tb_code tb_fail_at(struct tb_error *err, enum tb_code code, const struct tb_error *why, const char *fmt,
                        ...) TB_PRINTF(4, 5);
/* The same as |why|, but for the code. */
enum tb_code tb_fail_like(struct tb_error *err, enum tb_code code, const struct tb_error *why);

/* A number as a value, until the end of the block. */
#define TB_NUMBER(number) tb_number_text((char[24]){0}, (uint64_t)(number))
#define TB_OCTAL(number) tb_octal_text((char[24]){0}, (unsigned)(number))
const char *tb_number_text(char out[24], uint64_t number);
const char *tb_octal_text(char out[24], unsigned number);

const char *tb_reason_name(enum tb_reason reason);    /* "CASE_MOVED_ON"; "" for none */
enum tb_reason tb_reason_from_name(const char *name); /* TB_REASON_NONE if there is none */
enum tb_code tb_reason_code(enum tb_reason reason);
const char *tb_reason_text(enum tb_reason reason, bool zh); /* with places */
/* The |i|-th value, from 0; "" if there are not so many. Points into |err|. */
const char *tb_error_value(const struct tb_error *err, unsigned i);
/* Adds a value while there is room; false if there was none for all of it. */
bool tb_error_add_value(struct tb_error *err, const char *value);
/* The error's text in a language; what has no reason is in English. */
void tb_error_text(char out[TB_ERROR_TEXT_MAX], const struct tb_error *err, bool zh);
