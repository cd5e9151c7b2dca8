/* Errors: a code decides, a text explains.
 *
 * Functions that can fail return an enum tb_code; TB_OK is 0. Callers branch on the code or on its fault
 * class, never on the text. Running out of memory is not an error here: tb_alloc() stops the process, because
 * every length from outside is bounded (base/limits.h) before it is allocated, and a node restarts clean. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

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

enum { TB_ERROR_TEXT_MAX = 256 };

struct tb_error {
	enum tb_code code;
	char text[TB_ERROR_TEXT_MAX]; /* One line, UTF-8, no secrets and no personal data. */
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
