/* How a chain is checked:
 *
 *     limits, cache -> DER -> the leaf's SAN says region and role -> X509_verify_cert() against the anchors
 *     of that region only -> rules of regions and suites on the path that it found -> cache
 *
 * The region is taken from the leaf before any signature was checked, and decides nothing but whose anchors
 * must vouch for it. X509_verify_cert() covers RFC 5280, section 6, name constraints among it. */
#include "pki/cert.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/pki_priv.h"

enum {
	/* Checked chains that are remembered; the oldest is dropped first and then checked anew. A power of
	 * two. */
	CHAINS_MAX = 4096,
	/* Different leaf certificates that one region may show during the life of a trust set. Identities are
	 * handed out for that long, so they are kept even when their chain is dropped; each is some 3 KB.
	 * Only the holder of the region's CA key can make them, and past this bound new ones are refused: a
	 * region gone wild costs at most 48 MB, and nobody but itself its service. */
	IDENTITIES_MAX = 16384,
	IDENTITIES_ROOM_MAX = 1 << 30,
	TABLE_ROOM_MIN = 16
};

/* ---- tables by digest: chained hashing, and the slots as a ring */

struct slot {
	uint8_t digest[PKI_HASH_BYTES];
	struct pki_identity *identity;
	tb_time from;  /* of the whole path; not used for identities */
	tb_time until; /* first moment when some certificate is expired */
	uint32_t next; /* in the bucket: slot number + 1, 0 ends it */
};

struct table {
	struct slot *slots;
	uint32_t *heads; /* |room| buckets: slot number + 1 */
	uint32_t count;
	uint32_t room; /* a power of two */
	uint32_t room_max;
	uint32_t oldest; /* replaced next, once the table is full */
};

static uint32_t *table_head(const struct table *table, const uint8_t digest[PKI_HASH_BYTES])
{
	return &table->heads[tb_get_u32(digest) & (table->room - 1)];
}

static struct slot *table_find(const struct table *table, const uint8_t digest[PKI_HASH_BYTES])
{
	if (table->room == 0)
		return NULL;
	uint32_t at = *table_head(table, digest);
	while (at != 0 && memcmp(table->slots[at - 1].digest, digest, PKI_HASH_BYTES) != 0)
		at = table->slots[at - 1].next;
	return at != 0 ? &table->slots[at - 1] : NULL;
}

static void table_link(struct table *table, uint32_t i)
{
	uint32_t *head = table_head(table, table->slots[i].digest);
	table->slots[i].next = *head;
	*head = i + 1;
}

static void table_unlink(struct table *table, uint32_t i)
{
	uint32_t *at = table_head(table, table->slots[i].digest);
	while (*at != i + 1)
		at = &table->slots[*at - 1].next;
	*at = table->slots[i].next;
}

static void table_grow(struct table *table)
{
	table->room = table->room ? table->room * 2 : TABLE_ROOM_MIN;
	table->slots = tb_realloc(table->slots, table->room * sizeof(*table->slots));
	free(table->heads);
	table->heads = tb_alloc(table->room * sizeof(*table->heads));
	for (uint32_t i = 0; i < table->count; i++)
		table_link(table, i);
}

static void table_put(struct table *table, const uint8_t digest[PKI_HASH_BYTES],
                      struct pki_identity *identity, tb_time from, tb_time until)
{
	struct slot *slot = table_find(table, digest);
	if (!slot) {
		uint32_t i = table->count;
		if (table->count == table->room && table->room < table->room_max)
			table_grow(table);
		if (table->count == table->room) {
			i = table->oldest;
			table->oldest = (table->oldest + 1) % table->room;
			table_unlink(table, i);
		} else {
			table->count++;
		}
		slot = &table->slots[i];
		memcpy(slot->digest, digest, PKI_HASH_BYTES);
		table_link(table, i);
	}
	slot->identity = identity;
	slot->from = from;
	slot->until = until;
}

static void table_clear(struct table *table)
{
	free(table->slots);
	free(table->heads);
}

/* ---- trust sets */

struct region {
	char name[PKI_REGION_ROOM];
	X509_STORE *store; /* holds the anchors; safe to use from any thread */
	X509 *anchors[TB_ANCHORS_MAX];
	size_t anchors_count;
	size_t identities_count; /* under the lock */
};

struct pki_trust {
	atomic_size_t refs;
	struct region *regions; /* by name */
	size_t regions_count;
	size_t regions_room;
	size_t identities_max; /* of a region */
	pthread_mutex_t lock;  /* of what follows, and of the regions' identities_count */
	struct table chains;
	struct table identities; /* by SHA-256 of the leaf; owns them */
};

struct pki_trust *pki_trust_new(void)
{
	struct pki_trust *trust = tb_alloc(sizeof(*trust));
	atomic_init(&trust->refs, 1);
	pthread_mutex_init(&trust->lock, NULL);
	pki_trust_bound(trust, CHAINS_MAX, IDENTITIES_MAX);
	trust->identities.room_max = IDENTITIES_ROOM_MAX;
	return trust;
}

void pki_trust_bound(struct pki_trust *trust, uint32_t chains_max, size_t identities_max)
{
	assert(trust->chains.count == 0);
	assert(chains_max >= TABLE_ROOM_MIN && (chains_max & (chains_max - 1)) == 0);
	trust->chains.room_max = chains_max;
	trust->identities_max = identities_max;
}

struct pki_trust *pki_trust_ref(struct pki_trust *trust)
{
	atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
	return trust;
}

static void identity_free(struct pki_identity *identity)
{
	if (!identity)
		return;
	pki_public_free(identity->key);
	free(identity);
}

void pki_trust_unref(struct pki_trust *trust)
{
	if (!trust || atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (uint32_t i = 0; i < trust->identities.count; i++)
		identity_free(trust->identities.slots[i].identity);
	table_clear(&trust->identities);
	table_clear(&trust->chains);
	for (size_t i = 0; i < trust->regions_count; i++) {
		struct region *region = &trust->regions[i];
		X509_STORE_free(region->store);
		for (size_t k = 0; k < region->anchors_count; k++)
			X509_free(region->anchors[k]);
	}
	free(trust->regions);
	pthread_mutex_destroy(&trust->lock);
	free(trust);
}

/* The number of regions before |name|: where it is, or would be. */
static size_t region_rank(const struct pki_trust *trust, const char *name)
{
	size_t low = 0;
	size_t high = trust->regions_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(trust->regions[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct region *region_find(const struct pki_trust *trust, const char *name)
{
	size_t rank = region_rank(trust, name);
	if (rank == trust->regions_count || strcmp(trust->regions[rank].name, name) != 0)
		return NULL;
	return &trust->regions[rank];
}

bool pki_trust_knows(const struct pki_trust *trust, const char *region)
{
	return region_find(trust, region) != NULL;
}

static struct region *region_add(struct pki_trust *trust, const char *name)
{
	size_t rank = region_rank(trust, name);
	if (trust->regions_count == trust->regions_room) {
		trust->regions_room = trust->regions_room ? trust->regions_room * 2 : 8;
		trust->regions = tb_realloc(trust->regions, trust->regions_room * sizeof(*trust->regions));
	}
	memmove(&trust->regions[rank + 1], &trust->regions[rank],
	        (trust->regions_count - rank) * sizeof(*trust->regions));
	trust->regions_count++;
	struct region *region = &trust->regions[rank];
	*region = (struct region){.store = X509_STORE_new()};
	assert(region->store);
	strcpy(region->name, name); /* six digits, checked by the caller */
	return region;
}

/* ---- names in certificates */

/* The URI SANs of |cert|: *names is NULL when it has none. */
static enum tb_code sans_get(GENERAL_NAMES **names, const X509 *cert, size_t index, struct tb_error *err)
{
	int critical = 0;
	*names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	ERR_clear_error();
	/* -1: there is none; -2: several (RFC 5280, 4.2 forbids it); otherwise it could not be decoded. */
	if (!*names && critical != -1)
		return tb_fail(err, TB_EUNTRUSTED, "certificate %zu: subject alternative names are broken",
		               index);
	return TB_OK;
}

/* Every URI of a CA must be exactly spiffe://<region>. */
static enum tb_code ca_names_check(const X509 *cert, const char *region, size_t index, struct tb_error *err)
{
	char want[PKI_REGION_ROOM + 9];
	int want_size = snprintf(want, sizeof(want), "spiffe://%s", region);
	GENERAL_NAMES *names = NULL;
	enum tb_code code = sans_get(&names, cert, index, err);
	for (int i = 0; code == TB_OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
		if (ASN1_STRING_length(uri) != want_size ||
		    memcmp(ASN1_STRING_get0_data(uri), want, (size_t)want_size) != 0)
			code = tb_fail(err, TB_EUNTRUSTED, "certificate %zu: a CA that names another region",
			               index);
	}
	GENERAL_NAMES_free(names);
	return code;
}

static bool text_skip(struct tb_bytes *text, const char *prefix)
{
	size_t size = strlen(prefix);
	if (text->size < size || memcmp(text->data, prefix, size) != 0)
		return false;
	text->data += size;
	text->size -= size;
	return true;
}

/* Parses spiffe://R/node, spiffe://R/message, spiffe://R/seal/<issuer> byte for byte: no other spelling of
 * the same URI is taken, so what was compared is what is used. */
static bool identity_name(struct pki_identity *identity, struct tb_bytes uri)
{
	enum { REGION_SIZE = 6 };
	if (!text_skip(&uri, "spiffe://") || uri.size < REGION_SIZE)
		return false;
	if (!pki_region_valid((const char *)uri.data, REGION_SIZE))
		return false;
	memcpy(identity->region, uri.data, REGION_SIZE);
	uri = tb_bytes_of(uri.data + REGION_SIZE, uri.size - REGION_SIZE);
	if (text_skip(&uri, "/seal/")) {
		if (!pki_issuer_valid((const char *)uri.data, uri.size))
			return false;
		identity->role = PKI_ROLE_SEAL;
		memcpy(identity->issuer, uri.data, uri.size);
		return true;
	}
	identity->role = text_skip(&uri, "/node") ? PKI_ROLE_NODE : PKI_ROLE_MESSAGE;
	return identity->role == PKI_ROLE_NODE ? uri.size == 0 : text_skip(&uri, "/message") && uri.size == 0;
}

/* Fills region, role and issuer. The common name plays no part. */
static enum tb_code leaf_name(struct pki_identity *identity, const X509 *leaf, struct tb_error *err)
{
	GENERAL_NAMES *names = NULL;
	enum tb_code code = sans_get(&names, leaf, 0, err);
	if (code != TB_OK)
		return code;
	const ASN1_STRING *uri = NULL;
	size_t uris_count = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_URI) {
			uri = name->d.uniformResourceIdentifier;
			uris_count++;
		}
	}
	if (uris_count != 1)
		code = tb_fail(err, TB_EUNTRUSTED, "certificate 0: %zu URI names instead of one", uris_count);
	else if (!identity_name(identity,
	                        tb_bytes_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri))))
		code = tb_fail(err, TB_EUNTRUSTED, "certificate 0: URI name is not spiffe://<region>/<role>");
	GENERAL_NAMES_free(names);
	return code;
}

/* ---- rules for each certificate */

/* NULL, with |err| filled, if no suite has such a key. */
static const struct pki_suite_row *cert_suite(const X509 *cert, size_t index, struct tb_error *err)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	const struct pki_suite_row *row = key ? pki_suite_of(key) : NULL;
	ERR_clear_error();
	if (!row)
		tb_fail(err, TB_EUNTRUSTED, "certificate %zu: its key is neither P-256 nor Ed25519", index);
	return row;
}

static enum tb_code leaf_use_check(X509 *leaf, enum pki_role role, struct tb_error *err)
{
	uint32_t flags = X509_get_extension_flags(leaf);
	uint32_t usage = X509_get_key_usage(leaf);
	if (flags & EXFLAG_INVALID)
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: an extension is broken");
	/* X509-SVID, sections 4.1 and 4.3: a leaf is not a CA and may sign nothing but data. */
	if (!(flags & EXFLAG_KUSAGE) || !(usage & KU_DIGITAL_SIGNATURE))
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: key usage is not digitalSignature");
	if ((flags & EXFLAG_CA) || (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)))
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: a CA, not a leaf");
	/* X509-SVID, section 4.4: a node is server and client at once. */
	uint32_t both = XKU_SSL_SERVER | XKU_SSL_CLIENT;
	if (role == PKI_ROLE_NODE && (flags & EXFLAG_XKUSAGE) &&
	    (X509_get_extended_key_usage(leaf) & both) != both)
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: not for server and client");
	return TB_OK;
}

static enum tb_code ca_use_check(X509 *cert, size_t index, struct tb_error *err)
{
	/* 1: basicConstraints with cA, and keyCertSign if it has a key usage at all. Older marks of a CA,
	 * which OpenSSL would put up with, are not taken. */
	if (X509_check_ca(cert) != 1)
		return tb_fail(err, TB_EUNTRUSTED, "certificate %zu: not a CA", index);
	return TB_OK;
}

/* ---- anchors */

static enum tb_code anchor_check(X509 *cert, const char *region, size_t index, struct tb_error *err)
{
	if (ca_use_check(cert, index, NULL) != TB_OK)
		return tb_fail(err, TB_EMALFORMED, "anchor %zu: not a CA", index);
	if (!cert_suite(cert, index, err))
		return TB_EUNTRUSTED;
	if (ca_names_check(cert, region, index, NULL) != TB_OK)
		return tb_fail(err, TB_EINVALID, "anchor %zu: names another region than %s", index, region);
	return TB_OK;
}

/* Takes |cert|. */
static void anchor_put(struct region *region, X509 *cert)
{
	for (size_t i = 0; i < region->anchors_count; i++) {
		if (X509_cmp(region->anchors[i], cert) == 0) {
			X509_free(cert);
			return;
		}
	}
	int ok = X509_STORE_add_cert(region->store, cert);
	assert(ok == 1);
	region->anchors[region->anchors_count++] = cert;
}

enum tb_code pki_trust_add(struct pki_trust *trust, const char *region, struct tb_bytes pem,
                           struct tb_error *err)
{
	assert(atomic_load(&trust->refs) == 1);
	struct tb_arena arena = {0};
	struct tb_bytes ders[TB_ANCHORS_MAX];
	X509 *certs[TB_ANCHORS_MAX] = {NULL};
	size_t count = 0;
	if (!pki_region_valid(region, strlen(region)))
		return tb_fail(err, TB_EINVALID, "anchors: region is not six digits");
	enum tb_code code = pki_pem_certs(ders, &count, TB_ANCHORS_MAX, pem, &arena, err);
	for (size_t i = 0; code == TB_OK && i < count; i++) {
		code = pki_x509_parse(&certs[i], ders[i], i, err);
		if (code == TB_OK)
			code = anchor_check(certs[i], region, i, err);
	}
	struct region *to = region_find(trust, region);
	if (code == TB_OK && to && to->anchors_count + count > TB_ANCHORS_MAX)
		code = tb_fail(err, TB_EMALFORMED, "region %s: more than %d anchors", region, TB_ANCHORS_MAX);
	if (code == TB_OK && !to)
		to = region_add(trust, region);
	for (size_t i = 0; i < count; i++) {
		if (code == TB_OK)
			anchor_put(to, certs[i]);
		else
			X509_free(certs[i]);
	}
	tb_arena_clear(&arena);
	return code;
}

/* ---- the path */

static tb_time asn1_time(const ASN1_TIME *at)
{
	struct tm tm;
	int ok = ASN1_TIME_to_tm(at, &tm);
	assert(ok == 1); /* X509_verify_cert() has read it before */
	return tb_day_of(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * TB_DAY + tm.tm_hour * TB_HOUR +
	       tm.tm_min * TB_MINUTE + tm.tm_sec * TB_SECOND;
}

/* One check, while it lasts. */
struct check {
	X509 *certs[TB_CHAIN_CERTS_MAX];
	size_t count;
	X509_STORE_CTX *ctx; /* holds the path that was found, leaf first, anchor last */
	struct pki_identity name;
	const struct pki_suite_row *suite; /* of the leaf */
	tb_time from;                      /* when every certificate of the path is valid */
	tb_time until;
};

static enum tb_code path_fail(const X509_STORE_CTX *ctx, struct tb_error *err)
{
	int error = X509_STORE_CTX_get_error(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	enum tb_code code = TB_EUNTRUSTED;
	if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)
		code = TB_EEXPIRED;
	else if (error == X509_V_ERR_OUT_OF_MEM)
		code = TB_ECRYPTO;
	return tb_fail(err, code, "certificate %d: %s", depth, X509_verify_cert_error_string(error));
}

static enum tb_code path_find(struct check *check, const struct region *region, tb_time now,
                              struct tb_error *err)
{
	/* The time may be a peer's word (that of signing). OpenSSL cannot compare what GeneralizedTime cannot
	 * say: the years 0000 to 9999. */
	if (now < tb_day_of(0, 1, 1) * TB_DAY || now >= tb_day_of(10000, 1, 1) * TB_DAY)
		return tb_fail(err, TB_EEXPIRED, "certificate 0: not valid at a time beyond all calendars");
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	assert(untrusted);
	for (size_t i = 1; i < check->count; i++)
		sk_X509_push(untrusted, check->certs[i]);
	check->ctx = X509_STORE_CTX_new();
	assert(check->ctx);
	int ok = X509_STORE_CTX_init(check->ctx, region->store, check->certs[0], untrusted);
	assert(ok == 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check->ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)((now - (now < 0 ? TB_SECOND - 1 : 0)) / TB_SECOND));
	X509_VERIFY_PARAM_set_depth(param, TB_CHAIN_CERTS_MAX);
	/* An anchor is trusted by itself, self-signed or not (RFC 5280, 6.1.1 (d)). */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN);
	enum tb_code code = X509_verify_cert(check->ctx) == 1 ? TB_OK : path_fail(check->ctx, err);
	ERR_clear_error();
	sk_X509_free(untrusted);
	return code;
}

/* The rules that are ours, on every certificate of the path. */
static enum tb_code path_check(struct check *check, struct tb_error *err)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(check->ctx);
	check->from = INT64_MIN;
	check->until = INT64_MAX;
	int signed_as = 0; /* the signature on the certificate below */
	for (int i = 0; i < sk_X509_num(path); i++) {
		X509 *cert = sk_X509_value(path, i);
		const struct pki_suite_row *row = cert_suite(cert, (size_t)i, err);
		if (!row)
			return TB_EUNTRUSTED;
		/* The suite belongs to the key: it fixes the digest as well. */
		if (i > 0 && row->signature_nid != signed_as)
			return tb_fail(err, TB_EUNTRUSTED,
			               "certificate %d: signed otherwise than its CA's key says", i - 1);
		signed_as = X509_get_signature_nid(cert);
		if (i > 0) {
			enum tb_code code = ca_use_check(cert, (size_t)i, err);
			if (code == TB_OK)
				code = ca_names_check(cert, check->name.region, (size_t)i, err);
			if (code != TB_OK)
				return code;
		}
		tb_time from = asn1_time(X509_get0_notBefore(cert));
		tb_time until = asn1_time(X509_get0_notAfter(cert));
		check->from = from > check->from ? from : check->from;
		check->until = until < check->until ? until : check->until;
	}
	return TB_OK;
}

static const char *role_name(enum pki_role role)
{
	static const char *const names[] = {
		[PKI_ROLE_NODE] = "node", [PKI_ROLE_MESSAGE] = "message", [PKI_ROLE_SEAL] = "seal"};
	return names[role];
}

static enum tb_code check_run(struct check *check, const struct pki_trust *trust, struct region **region,
                              const struct tb_bytes *chain, enum pki_role role, tb_time now,
                              struct tb_error *err)
{
	enum tb_code code = TB_OK;
	for (size_t i = 0; code == TB_OK && i < check->count; i++)
		code = pki_x509_parse(&check->certs[i], chain[i], i, err);
	if (code == TB_OK)
		code = leaf_name(&check->name, check->certs[0], err);
	if (code != TB_OK)
		return code;
	if (check->name.role != role)
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: role is %s, not %s",
		               role_name(check->name.role), role_name(role));
	*region = region_find(trust, check->name.region);
	if (!*region)
		return tb_fail(err, TB_EUNTRUSTED, "certificate 0: region %s is not known",
		               check->name.region);
	check->suite = cert_suite(check->certs[0], 0, err);
	if (!check->suite)
		return TB_EUNTRUSTED;
	code = leaf_use_check(check->certs[0], role, err);
	if (code == TB_OK)
		code = path_find(check, *region, now, err);
	if (code == TB_OK)
		code = path_check(check, err);
	return code;
}

static void check_clear(struct check *check)
{
	X509_STORE_CTX_free(check->ctx);
	for (size_t i = 0; i < check->count; i++)
		X509_free(check->certs[i]);
}

/* ---- the cache */

static void chain_digest(uint8_t out[PKI_HASH_BYTES], const struct tb_bytes *chain, size_t chain_count,
                         enum pki_role role)
{
	struct pki_hash *hash = pki_hash_new();
	uint8_t number[4];
	tb_put_u32(number, (uint32_t)role);
	pki_hash_add(hash, tb_bytes_of(number, sizeof(number)));
	for (size_t i = 0; i < chain_count; i++) {
		/* With the lengths no other cut of the same bytes has this digest. */
		tb_put_u32(number, (uint32_t)chain[i].size);
		pki_hash_add(hash, tb_bytes_of(number, sizeof(number)));
		pki_hash_add(hash, chain[i]);
	}
	pki_hash_end(hash, out);
	pki_hash_free(hash);
}

static const struct pki_identity *cache_get(struct pki_trust *trust, const uint8_t digest[PKI_HASH_BYTES],
                                            tb_time now)
{
	pthread_mutex_lock(&trust->lock);
	const struct slot *slot = table_find(&trust->chains, digest);
	/* Outside these times the whole check runs again: another path may be good by now, and if not, it
	 * says which certificate is not. */
	const struct pki_identity *found =
		slot && now >= slot->from && now < slot->until ? slot->identity : NULL;
	pthread_mutex_unlock(&trust->lock);
	return found;
}

static struct pki_identity *identity_new(const struct check *check)
{
	struct pki_identity *identity = tb_alloc(sizeof(*identity));
	const X509 *leaf = check->certs[0];
	*identity = check->name;
	identity->valid_from = asn1_time(X509_get0_notBefore(leaf));
	identity->valid_until = asn1_time(X509_get0_notAfter(leaf));
	pki_x509_keyid(identity->keyid, leaf);
	identity->key = pki_public_new(X509_get0_pubkey(leaf), check->suite);
	if (!identity->key) {
		identity_free(identity);
		identity = NULL;
	}
	return identity;
}

/* Gives each leaf one identity, whatever chain it came with, and remembers the chain. */
static enum tb_code cache_put(const struct pki_identity **out, struct pki_trust *trust, struct region *region,
                              const uint8_t digest[PKI_HASH_BYTES], const struct check *check,
                              struct tb_bytes leaf, struct tb_error *err)
{
	uint8_t leaf_digest[PKI_HASH_BYTES];
	pki_sha256(leaf_digest, leaf);
	struct pki_identity *identity = identity_new(check);
	if (!identity)
		return pki_openssl_fail(err, "preparing to check signatures");

	enum tb_code code = TB_OK;
	pthread_mutex_lock(&trust->lock);
	const struct slot *known = table_find(&trust->identities, leaf_digest);
	if (known) {
		identity_free(identity);
		identity = known->identity;
	} else if (region->identities_count == trust->identities_max) {
		identity_free(identity);
		identity = NULL;
		code = tb_fail(err, TB_EUNTRUSTED, "region %s: has shown more than %zu leaf certificates",
		               region->name, trust->identities_max);
	} else {
		region->identities_count++;
		table_put(&trust->identities, leaf_digest, identity, 0, 0);
	}
	if (identity)
		table_put(&trust->chains, digest, identity, check->from, check->until);
	pthread_mutex_unlock(&trust->lock);
	*out = identity;
	return code;
}

/* ---- the calls */

enum tb_code pki_chain_check(const struct pki_identity **out, struct pki_trust *trust,
                             const struct tb_bytes *chain, size_t chain_count, enum pki_role role,
                             tb_time now, struct tb_error *err)
{
	*out = NULL;
	if (chain_count == 0 || chain_count > TB_CHAIN_CERTS_MAX)
		return tb_fail(err, TB_EMALFORMED, "chain: not of 1 to %d certificates", TB_CHAIN_CERTS_MAX);
	for (size_t i = 0; i < chain_count; i++) {
		if (chain[i].size == 0 || chain[i].size > TB_CERT_BYTES_MAX)
			return tb_fail(err, TB_EMALFORMED, "certificate %zu: empty or over %d bytes", i,
			               TB_CERT_BYTES_MAX);
	}
	uint8_t digest[PKI_HASH_BYTES];
	chain_digest(digest, chain, chain_count, role);
	*out = cache_get(trust, digest, now);
	if (*out)
		return TB_OK;

	struct check check = {.count = chain_count};
	struct region *region = NULL;
	enum tb_code code = check_run(&check, trust, &region, chain, role, now, err);
	if (code == TB_OK)
		code = cache_put(out, trust, region, digest, &check, chain[0], err);
	check_clear(&check);
	return code;
}

enum tb_code pki_chain_check_pem(const struct pki_identity **out, struct pki_trust *trust,
                                 struct tb_bytes pem, enum pki_role role, tb_time now, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t chain_count = 0;
	*out = NULL;
	enum tb_code code = pki_pem_to_chain(chain, &chain_count, pem, &arena, err);
	if (code == TB_OK)
		code = pki_chain_check(out, trust, chain, chain_count, role, now, err);
	tb_arena_clear(&arena);
	return code;
}

enum tb_code pki_verify(const struct pki_identity *identity, struct tb_bytes message,
                        struct tb_bytes signature, struct tb_error *err)
{
	if (signature.size == 0 || signature.size > TB_SIGNATURE_BYTES_MAX)
		return tb_fail(err, TB_EUNTRUSTED, "signature: empty or over %d bytes",
		               TB_SIGNATURE_BYTES_MAX);
	EVP_MD_CTX *ctx = pki_public_context(identity->key);
	if (!ctx)
		return pki_openssl_fail(err, "preparing to check a signature");
	int holds = EVP_DigestVerify(ctx, signature.data, signature.size, message.data, message.size);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (holds != 1)
		return tb_fail(err, TB_EUNTRUSTED, "signature: does not hold");
	return TB_OK;
}
