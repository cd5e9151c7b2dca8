/* Which network addresses this node may be made to talk to.
 *
 * A URL that somebody else wrote down is resolved by a name server that somebody else runs: what counts is
 * the address that is connected to. Addresses of the public Internet may be; what is private, of this
 * machine, of this link or reserved (IANA's special-purpose registries, RFC 6890) only where the operator
 * names its network. IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as what is inside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sockaddr;

/* "10.0.0.0/8", "fd00:1234::/32", or one address. */
struct address_range {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;     /* that count, of 128 */
};

/* TB_EINVALID: not of that form, or bits behind the prefix are set. */
TB_MUST_CHECK enum tb_code address_range_parse(struct address_range *out, const char *text,
                                               struct tb_error *err);
bool address_allowed(const struct sockaddr *address, const struct address_range *ranges, size_t count);
