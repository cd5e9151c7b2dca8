#include "node/io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TEXT_MAX = INET6_ADDRSTRLEN };

/* Reserved for something else than reaching anybody's server; bits of 128. */
static const struct address_range special[] = {
#define V4(a, b, c, d, bits_4)                                                        \
	{                                                                             \
		{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (bits_4) \
	}
	V4(0, 0, 0, 0, 8),       /* this network */
	V4(10, 0, 0, 0, 8),      /* private */
	V4(100, 64, 0, 0, 10),   /* shared by providers */
	V4(127, 0, 0, 0, 8),     /* this machine */
	V4(169, 254, 0, 0, 16),  /* this link; clouds' metadata */
	V4(172, 16, 0, 0, 12),   /* private */
	V4(192, 0, 0, 0, 24),    /* protocol assignments */
	V4(192, 0, 2, 0, 24),    /* documentation */
	V4(192, 88, 99, 0, 24),  /* relays of 6to4 */
	V4(192, 168, 0, 0, 16),  /* private */
	V4(198, 18, 0, 0, 15),   /* benchmarks */
	V4(198, 51, 100, 0, 24), /* documentation */
	V4(203, 0, 113, 0, 24),  /* documentation */
	V4(224, 0, 0, 0, 3),     /* multicast, reserved, broadcast */
#undef V4
};
/* In IPv6 one block holds what can be reached: 2000::/3, and of that not these. */
static const struct address_range global_v6 = {{0x20}, 3};
static const struct address_range special_v6[] = {
	{{0x20, 0x01}, 23},             /* protocol assignments, Teredo */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x3f, 0xff}, 20},             /* documentation */
};

static bool in_range(const uint8_t bytes[16], const struct address_range *range)
{
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8;
	if (memcmp(bytes, range->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static bool in_any(const uint8_t bytes[16], const struct address_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (in_range(bytes, &ranges[i]))
			return true;
	}
	return false;
}

static void map_v4(uint8_t out[16], const uint8_t four[4])
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, four, 4);
}

static bool is_v4(const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

/* An IPv4 address that is carried inside: 64:ff9b::/96 (RFC 6052), 2002::/16 (RFC 3056). */
static void unwrap(uint8_t bytes[16])
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint8_t four[4];
	if (memcmp(bytes, nat64, sizeof(nat64)) == 0)
		memcpy(four, bytes + 12, 4);
	else if (bytes[0] == 0x20 && bytes[1] == 0x02)
		memcpy(four, bytes + 2, 4);
	else
		return;
	map_v4(bytes, four);
}

static bool address_bytes(const struct sockaddr *address, uint8_t out[16])
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		map_v4(out, (const uint8_t *)&four.sin_addr);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		memcpy(out, &six.sin6_addr, 16);
		unwrap(out);
	} else {
		return false;
	}
	return true;
}

bool address_allowed(const struct sockaddr *address, const struct address_range *ranges, size_t count)
{
	uint8_t bytes[16];
	if (!address_bytes(address, bytes))
		return false;
	if (in_any(bytes, ranges, count))
		return true;
	if (is_v4(bytes))
		return !in_any(bytes, special, sizeof(special) / sizeof(special[0]));
	return in_range(bytes, &global_v6) &&
	       !in_any(bytes, special_v6, sizeof(special_v6) / sizeof(special_v6[0]));
}

enum tb_code address_range_parse(struct address_range *out, const char *text, struct tb_error *err)
{
	char host[TEXT_MAX + 1];
	uint8_t four[4];
	const char *slash = strchrnul(text, '/');
	size_t size = (size_t)(slash - text);
	unsigned long bits;
	char *end;
	*out = (struct address_range){.bits = 128};
	if (size == 0 || size >= sizeof(host))
		return tb_fail(err, TB_EINVALID, "%.60s is no network address", text);
	snprintf(host, sizeof(host), "%.*s", (int)size, text);
	bool v4 = inet_pton(AF_INET, host, four) == 1;
	if (v4)
		map_v4(out->bytes, four);
	else if (inet_pton(AF_INET6, host, out->bytes) != 1)
		return tb_fail(err, TB_EINVALID, "%.60s is no network address", text);
	if (*slash) {
		bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end || bits > (v4 ? 32 : 128))
			return tb_fail(err, TB_EINVALID, "%.60s: the prefix is wrong", text);
		out->bits = (unsigned)bits + (v4 ? 96 : 0);
	}
	for (unsigned bit = out->bits; bit < 128; bit++) {
		if (out->bytes[bit / 8] >> (7 - bit % 8) & 1)
			return tb_fail(err, TB_EINVALID, "%.60s: bits behind the prefix are set", text);
	}
	return TB_OK;
}
