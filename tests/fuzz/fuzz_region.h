/* One region's keys and certificates, the same in every run, so that a corpus stays good. They are worth
 * nothing: no node trusts them. Valid 2020 to 2100. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "pki/batch.h"

static const char FUZZ_ANCHOR[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBtTCCAWegAwIBAgIQTtGjkQZO0B9lUFsSFA6HvDAFBgMrZXAwLTELMAkGA1UE\n"
				  "BhMCQ04xDzANBgNVBAoMBjMyMDQwMDENMAsGA1UEAwwEZnV6ejAgFw0yMDAxMDEw\n"
				  "MDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowLTELMAkGA1UEBhMCQ04xDzANBgNVBAoM\n"
				  "BjMyMDQwMDENMAsGA1UEAwwEZnV6ejAqMAUGAytlcAMhAD0jYcI4JDxYnu/ySLG8\n"
				  "uJSzQzO3x8QW8IY/yMNUoKTWo4GaMIGXMB0GA1UdDgQWBBR60CUQjoQP4KHV1dF0\n"
				  "mFz4zWRzgTAfBgNVHSMEGDAWgBR60CUQjoQP4KHV1dF0mFz4zWRzgTAaBgNVHREE\n"
				  "EzARhg9zcGlmZmU6Ly8zMjA0MDAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E\n"
				  "BAMCAQYwGAYDVR0eAQH/BA4wDKAKMAiGBjMyMDQwMDAFBgMrZXADQQDb4tI3V2x9\n"
				  "2aDlSYJs6YPQNOg7bQU2pomMtdKcYmfjevmR10S3q3dSafFpIv/wpYb5PIDdJ93p\n"
				  "VjHr8tkVX0YG\n"
				  "-----END CERTIFICATE-----\n";

static const char FUZZ_MESSAGE_KEY[] = "-----BEGIN PRIVATE KEY-----\n"
				       "MC4CAQAwBQYDK2VwBCIEIAHKbyIhGbn2sYk6q/JRrfuImgWl2rR4+x+FkRoD+/E3\n"
				       "-----END PRIVATE KEY-----\n";

static const char FUZZ_MESSAGE_CERT[] = "-----BEGIN CERTIFICATE-----\n"
					"MIIBoDCCAVKgAwIBAgIQaH1gEIzbRhOpN0tIRdxh5TAFBgMrZXAwLTELMAkGA1UE\n"
					"BhMCQ04xDzANBgNVBAoMBjMyMDQwMDENMAsGA1UEAwwEZnV6ejAgFw0yMDAxMDEw\n"
					"MDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowLTELMAkGA1UEBhMCQ04xDzANBgNVBAoM\n"
					"BjMyMDQwMDENMAsGA1UEAwwEZnV6ejAqMAUGAytlcAMhAJqJajR4uu7smwuxAMJC\n"
					"dql/Fch+YqQipRDMAnUDy5pSo4GFMIGCMB0GA1UdDgQWBBQOAP/Bfstne07hJMid\n"
					"z0aGiYFhtjAfBgNVHSMEGDAWgBR60CUQjoQP4KHV1dF0mFz4zWRzgTAiBgNVHREE\n"
					"GzAZhhdzcGlmZmU6Ly8zMjA0MDAvbWVzc2FnZTAMBgNVHRMBAf8EAjAAMA4GA1Ud\n"
					"DwEB/wQEAwIHgDAFBgMrZXADQQD8oOt4Vq3lywmZk6NZ/fmN7db3tzVRV8XY5fIf\n"
					"Wl/DTPfFXuSvMY4+0ludIrVRPJ6NbAeGXFwrhht4s9Gt4WAI\n"
					"-----END CERTIFICATE-----\n";

static const char FUZZ_SEAL_KEY[] = "-----BEGIN PRIVATE KEY-----\n"
				    "MC4CAQAwBQYDK2VwBCIEIFKxf5JAozHj9z4BvveyHh5Qi3FV1c25uL7J3E40NQgU\n"
				    "-----END PRIVATE KEY-----\n";

static const char FUZZ_SEAL_CERT[] = "-----BEGIN CERTIFICATE-----\n"
				     "MIIBsDCCAWKgAwIBAgIQfAKI38Nk9nwxFRNoozUAwDAFBgMrZXAwLTELMAkGA1UE\n"
				     "BhMCQ04xDzANBgNVBAoMBjMyMDQwMDENMAsGA1UEAwwEZnV6ejAgFw0yMDAxMDEw\n"
				     "MDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowLTELMAkGA1UEBhMCQ04xDzANBgNVBAoM\n"
				     "BjMyMDQwMDENMAsGA1UEAwwEZnV6ejAqMAUGAytlcAMhABy+7Zkg5625PGTO38K2\n"
				     "JZd0hhEeTklRN3v3WkHNXygno4GVMIGSMB0GA1UdDgQWBBT1qFnM4ugiOqjhw5LY\n"
				     "4U+rE6zRzzAfBgNVHSMEGDAWgBR60CUQjoQP4KHV1dF0mFz4zWRzgTAyBgNVHREE\n"
				     "KzAphidzcGlmZmU6Ly8zMjA0MDAvc2VhbC8xMTMyMDQwME1CMEEwMDAwMVgwDAYD\n"
				     "VR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwBQYDK2VwA0EAyM/1HTR7dYgKCUPN\n"
				     "HM7waTzU/u3effegsbK26NeUneg2H9+zMecrQpGtMyhU3s8tkvSU1cIvDz/7FiE4\n"
				     "YIwRDg==\n"
				     "-----END CERTIFICATE-----\n";

static const tb_time FUZZ_NOW = 1790000000000; /* 2026-09-21 */

struct fuzz_region {
	struct tb_arena arena;
	struct pki_trust *trust;
	struct pki_key *keys[2]; /* message, seal */
	struct tb_bytes certs[2];
};

static inline void fuzz_must(enum tb_code code)
{
	if (code != TB_OK)
		abort();
}

static inline struct fuzz_region *fuzz_region(void)
{
	static struct fuzz_region region;
	static const char *const keys[2] = {FUZZ_MESSAGE_KEY, FUZZ_SEAL_KEY};
	static const char *const certs[2] = {FUZZ_MESSAGE_CERT, FUZZ_SEAL_CERT};
	if (region.trust)
		return &region;
	region.trust = pki_trust_new();
	fuzz_must(pki_trust_add(region.trust, "320400", tb_bytes_str(FUZZ_ANCHOR), NULL));
	for (size_t i = 0; i < 2; i++) {
		struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
		size_t count = 0;
		fuzz_must(pki_key_from_pem(&region.keys[i], tb_bytes_str(keys[i]), NULL));
		fuzz_must(pki_pem_to_chain(chain, &count, tb_bytes_str(certs[i]), &region.arena, NULL));
		region.certs[i] = chain[0];
	}
	return &region;
}

/* The input, eaten from the front. What it does not hold any more is zeros. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

static inline uint64_t fuzz_number(struct fuzz_input *in, size_t bytes)
{
	uint64_t out = 0;
	for (size_t i = 0; i < bytes; i++) {
		out = out << 8 | (in->size ? *in->data : 0);
		if (in->size) {
			in->data++;
			in->size--;
		}
	}
	return out;
}

/* At most |max| bytes, in the arena so that a step too far is noticed. */
static inline ProtobufCBinaryData fuzz_bytes(struct fuzz_input *in, size_t max, struct tb_arena *arena)
{
	size_t size = fuzz_number(in, 1);
	size = size < max ? size : max;
	size = size < in->size ? size : in->size;
	struct tb_bytes out = tb_arena_bytes(arena, tb_bytes_of(in->data, size));
	in->data += size;
	in->size -= size;
	return proto_data(out);
}

/* DSSE over |header|, in |arena|. */
static inline ProtobufCBinaryData fuzz_sign(const struct pki_key *key, struct tb_bytes header,
                                            struct tb_arena *arena)
{
	struct tb_buf pae = {0};
	struct tb_buf signature = {0};
	pki_dsse_pae(&pae, PKI_BATCH_TYPE, header);
	fuzz_must(pki_sign(key, tb_buf_bytes(&pae), &signature, NULL));
	struct tb_bytes out = tb_arena_bytes(arena, tb_buf_bytes(&signature));
	tb_buf_clear(&signature);
	tb_buf_clear(&pae);
	return proto_data(out);
}

/* A header that is good but for what the input changes: a bit of |wrong| for each field. */
static inline PbBatchHeader *fuzz_header(struct fuzz_input *in, bool seal, uint32_t count,
                                         const struct pki_digest *root, struct tb_arena *arena)
{
	PbBatchHeader *h = PROTO_NEW(PbBatchHeader, batch_header, arena);
	uint64_t wrong = fuzz_number(in, 2);
	char *text = tb_arena_alloc(arena, 8);
	for (size_t i = 0; wrong && i < 7; i++)
		text[i] = (char)fuzz_number(in, 1);
	h->version = wrong & 1 ? (uint32_t)fuzz_number(in, 4) : 1;
	h->kind = wrong & 2 ? (PbBatchKind)fuzz_number(in, 1)
	          : seal    ? PB_BATCH_KIND__SEAL
	                    : PB_BATCH_KIND__QUERIES;
	h->sender = wrong & 4 ? text : tb_arena_str(arena, "320400");
	h->receiver = wrong & 8 ? text : tb_arena_str(arena, seal ? "" : "330100");
	h->sent_at_ms = wrong & 16 ? (int64_t)fuzz_number(in, 8) : FUZZ_NOW;
	h->expires_at_ms = wrong & 32 ? (int64_t)fuzz_number(in, 8) : FUZZ_NOW + 1000;
	h->nonce = wrong & 64 ? fuzz_bytes(in, 40, arena)
	                      : proto_data(tb_bytes_of(tb_arena_alloc(arena, 16), 16));
	h->count = wrong & 128 ? (uint32_t)fuzz_number(in, 4) : count;
	h->root = wrong & 256 ? fuzz_bytes(in, 40, arena)
	                      : proto_data(tb_arena_bytes(arena, tb_bytes_of(root->bytes, PKI_HASH_BYTES)));
	h->in_reply_to = wrong & 512 ? fuzz_bytes(in, 40, arena) : (ProtobufCBinaryData){0};
	h->issuer = wrong & 1024 ? text : tb_arena_str(arena, seal ? "11320400MB0A00001X" : "");
	return h;
}
