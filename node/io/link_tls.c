/* Who is at the other end: TLS credentials, our verifier, gRPC's log.
 *
 * gRPC's own checks of certificates are off on both sides. They know one flat set of roots, under which the
 * CA of one region could speak for another; pki_chain_check_pem() knows which anchor stands for which region.
 */
#include "node/io/link_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/string_util.h>

#include "base/log.h"

enum {
	LOG_AGAIN_MS = 10 * 60 * 1000, /* the same refusal or gRPC message is not logged again before */
	LOG_RECENT = 64,               /* so many different ones are remembered */
};

/* ---- saying a thing once */

static struct {
	pthread_mutex_t lock;
	struct {
		uint32_t what;
		struct timespec at;
	} recent[LOG_RECENT];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* True if the same was not logged lately. Whoever knocks again and again must not fill the log. */
static bool log_now(const char *what, const char *more)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *p = what; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	for (const char *p = more; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&said.lock);
	/* Two that share a place push each other out: then one line more is written, never one less. */
	size_t place = hash % LOG_RECENT;
	bool again = said.recent[place].what == hash && said.recent[place].at.tv_sec > 0 &&
	             now.tv_sec - said.recent[place].at.tv_sec < LOG_AGAIN_MS / 1000;
	if (!again) {
		said.recent[place].what = hash;
		said.recent[place].at = now;
	}
	pthread_mutex_unlock(&said.lock);
	return !again;
}

static void on_grpc_log(gpr_log_func_args *args)
{
	/* Certificates name regions, so no server name ever matches; gRPC goes on all the same. */
	static const char no_name[] = "No match found for server name";
	if (args->severity != GPR_LOG_SEVERITY_ERROR || strncmp(args->message, no_name, strlen(no_name)) == 0)
		return;
	const char *file = strrchr(args->file, '/');
	char where[80];
	snprintf(where, sizeof(where), "%s:%d", file ? file + 1 : args->file, args->line);
	if (log_now("grpc", where))
		tb_log(TB_LOG_WARN, "link.grpc", "where", where, "text", args->message, NULL);
}

void link_log_route(void)
{
	gpr_set_log_function(on_grpc_log);
	gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

/* ---- the guard */

struct link_guard *link_guard_new(const struct link_setup *setup)
{
	struct link_guard *guard = tb_alloc(sizeof(*guard));
	atomic_init(&guard->refs, 1);
	pthread_rwlock_init(&guard->lock, NULL);
	guard->setup = setup;
	return guard;
}

void link_guard_close(struct link_guard *guard)
{
	pthread_rwlock_wrlock(&guard->lock);
	guard->setup = NULL;
	pthread_rwlock_unlock(&guard->lock);
}

void link_guard_unref(struct link_guard *guard)
{
	if (atomic_fetch_sub(&guard->refs, 1) > 1)
		return;
	pthread_rwlock_destroy(&guard->lock);
	free(guard);
}

/* ---- a chain as TLS gives it */

/* Puts the chain together, leaf first. OpenSSL leaves the leaf out of the chain on the server's side and has
 * it there on the client's (grpc_security_constants.h, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME). */
static enum tb_code join_chain(struct tb_buf *pem, struct tb_bytes leaf, struct tb_bytes chain,
                               struct tb_error *err)
{
	if (leaf.size == 0)
		return tb_fail(err, TB_EUNTRUSTED, "TLS: no certificate");
	if (leaf.size > LINK_TLS_PEM_BYTES_MAX || chain.size > LINK_TLS_PEM_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "TLS: certificates over %d bytes", LINK_TLS_PEM_BYTES_MAX);
	bool whole = chain.size >= leaf.size && memcmp(chain.data, leaf.data, leaf.size) == 0;
	if (!whole)
		tb_buf_add(pem, leaf.data, leaf.size);
	tb_buf_add(pem, chain.data, chain.size);
	return TB_OK;
}

static enum tb_code check_chain(char region[PKI_REGION_ROOM], const struct peer_set *peers,
                                struct tb_bytes leaf, struct tb_bytes chain, tb_time now,
                                struct tb_error *err)
{
	struct tb_buf pem = {0};
	const struct pki_identity *identity = NULL;
	enum tb_code code = join_chain(&pem, leaf, chain, err);
	if (code == TB_OK)
		code = pki_chain_check_pem(&identity, peer_trust(peers), tb_buf_bytes(&pem), PKI_ROLE_NODE,
		                           now, err);
	tb_buf_clear(&pem);
	if (code != TB_OK)
		return code;
	if (!peer_find(peers, identity->region))
		return tb_fail(err, TB_EUNTRUSTED, "TLS: %s is not a peer", identity->region);
	memcpy(region, identity->region, PKI_REGION_ROOM);
	return TB_OK;
}

static struct tb_bytes property(const grpc_auth_context *context, const char *name)
{
	grpc_auth_property_iterator it = grpc_auth_context_find_properties_by_name(context, name);
	const grpc_auth_property *found = grpc_auth_property_iterator_next(&it);
	return found ? tb_bytes_of(found->value, found->value_length) : (struct tb_bytes){0};
}

enum tb_code link_call_region(char region[PKI_REGION_ROOM], grpc_call *call, const struct peer_set *peers,
                              tb_time now, struct tb_error *err)
{
	grpc_auth_context *context = grpc_call_auth_context(call);
	enum tb_code code = check_chain(region, peers, property(context, GRPC_X509_PEM_CERT_PROPERTY_NAME),
	                                property(context, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME), now, err);
	grpc_auth_context_release(context);
	return code;
}

/* ---- the verifier */

/* The region that a refused certificate names, for the log; "" unless it has the form of one. */
static void claimed_region(char out[PKI_REGION_ROOM],
                           const grpc_tls_custom_verification_check_request *request)
{
	static const char scheme[] = "spiffe://";
	out[0] = '\0';
	if (request->peer_info.san_names.uri_names_size == 0)
		return;
	const char *uri = request->peer_info.san_names.uri_names[0];
	if (strncmp(uri, scheme, strlen(scheme)) != 0)
		return;
	uri += strlen(scheme);
	size_t digits = strspn(uri, "0123456789");
	if (digits == 0 || digits >= PKI_REGION_ROOM || uri[digits] != '/')
		return;
	memcpy(out, uri, digits);
	out[digits] = '\0';
}

static enum tb_code verify_peer(const struct link_verifier *verifier, const struct link_setup *setup,
                                const grpc_tls_custom_verification_check_request *request,
                                struct tb_error *err)
{
	char region[PKI_REGION_ROOM];
	struct peer_set *peers = setup->peers(setup->ctx);
	enum tb_code code =
		check_chain(region, peers, tb_bytes_str(request->peer_info.peer_cert),
	                    tb_bytes_str(request->peer_info.peer_cert_full_chain), setup->now(), err);
	peer_set_unref(peers);
	if (code == TB_OK && verifier->region[0] && strcmp(region, verifier->region) != 0)
		code = tb_fail(err, TB_EUNTRUSTED, "TLS: %s answers where %s was called", region,
		               verifier->region);
	return code;
}

static void log_refused(const struct link_verifier *verifier,
                        const grpc_tls_custom_verification_check_request *request, const struct tb_error *err)
{
	char claimed[PKI_REGION_ROOM];
	claimed_region(claimed, request);
	char who[2 * PKI_REGION_ROOM + 8];
	snprintf(who, sizeof(who), "%s-%s", verifier->region, claimed);
	if (!log_now(who, err->text))
		return;
	tb_log(TB_LOG_WARN, "link.refused", "side", verifier->region[0] ? "client" : "server", "region",
	       claimed, "called", verifier->region[0] ? verifier->region : NULL, "code",
	       tb_code_name(err->code), "reason", err->text, NULL);
}

/* The handshake is over and the peer holds the key of the certificate it showed. On a gRPC thread. */
static int on_verify(void *user_data, grpc_tls_custom_verification_check_request *request,
                     grpc_tls_on_custom_verification_check_done_cb callback, void *callback_arg,
                     grpc_status_code *sync_status, char **sync_error_details)
{
	(void)callback;
	(void)callback_arg;
	struct link_verifier *verifier = user_data;
	struct tb_error err = {0};
	pthread_rwlock_rdlock(&verifier->guard->lock);
	const struct link_setup *setup = verifier->guard->setup;
	enum tb_code code = setup ? verify_peer(verifier, setup, request, &err)
	                          : tb_fail(&err, TB_EUNREACHABLE, "TLS: this node is closing");
	if (setup && code != TB_OK)
		log_refused(verifier, request, &err);
	pthread_rwlock_unlock(&verifier->guard->lock);

	pthread_mutex_lock(&verifier->lock);
	verifier->refused = err;
	verifier->refused.code = code;
	pthread_mutex_unlock(&verifier->lock);
	*sync_status = code == TB_OK ? GRPC_STATUS_OK : GRPC_STATUS_UNAUTHENTICATED;
	if (code != TB_OK)
		*sync_error_details = gpr_strdup(err.text); /* gRPC frees it with gpr_free() */
	return 1;
}

static void on_cancel(void *user_data, grpc_tls_custom_verification_check_request *request)
{
	/* on_verify() answers before it returns: there is nothing to cancel. */
	(void)user_data;
	(void)request;
}

static void on_destruct(void *user_data)
{
	link_verifier_unref(user_data);
}

struct link_verifier *link_verifier_new(struct link_guard *guard, const char *region)
{
	struct link_verifier *verifier = tb_alloc(sizeof(*verifier));
	verifier->grpc.user_data = verifier;
	verifier->grpc.verify = on_verify;
	verifier->grpc.cancel = on_cancel;
	verifier->grpc.destruct = on_destruct;
	atomic_fetch_add(&guard->refs, 1);
	verifier->guard = guard;
	assert(strlen(region) < sizeof(verifier->region));
	memcpy(verifier->region, region, strlen(region) + 1);
	pthread_mutex_init(&verifier->lock, NULL);
	/* Stored last: whoever lets go of it, on whichever of gRPC's threads, sees all of it. */
	atomic_store(&verifier->refs, 1);
	return verifier;
}

void link_verifier_unref(struct link_verifier *verifier)
{
	if (atomic_fetch_sub(&verifier->refs, 1) > 1)
		return;
	link_guard_unref(verifier->guard);
	pthread_mutex_destroy(&verifier->lock);
	free(verifier);
}

enum tb_code link_verifier_refused(struct link_verifier *verifier, struct tb_error *out)
{
	pthread_mutex_lock(&verifier->lock);
	*out = verifier->refused;
	pthread_mutex_unlock(&verifier->lock);
	return out->code;
}

/* ---- credentials */

enum tb_code link_identity_new(grpc_tls_certificate_provider **out, const struct link_setup *setup,
                               struct tb_error *err)
{
	/* gRPC would say nothing of a bad key or certificate before the first handshake. */
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t chain_count = 0;
	struct pki_key *key = NULL;
	enum tb_code code = pki_pem_to_chain(chain, &chain_count, setup->tls_chain_pem, &arena, err);
	tb_arena_clear(&arena);
	if (code == TB_OK)
		code = pki_key_from_pem(&key, setup->tls_key_pem, err);
	pki_key_free(key);
	if (code != TB_OK)
		return code;

	char *chain_pem = tb_strndup((const char *)setup->tls_chain_pem.data, setup->tls_chain_pem.size);
	char *key_pem = tb_strndup((const char *)setup->tls_key_pem.data, setup->tls_key_pem.size);
	grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
	grpc_tls_identity_pairs_add_pair(pairs, key_pem, chain_pem);
	*out = grpc_tls_certificate_provider_static_data_create(NULL, pairs);
	explicit_bzero(key_pem, setup->tls_key_pem.size);
	free(key_pem);
	free(chain_pem);
	return TB_OK;
}

/* Takes over the caller's reference to |verifier|. */
static grpc_tls_credentials_options *options_new(struct link *link, struct link_verifier *verifier)
{
	grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
	grpc_tls_credentials_options_set_certificate_provider(options, link->identity);
	grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
	grpc_tls_certificate_verifier *wrapped =
		grpc_tls_certificate_verifier_external_create(&verifier->grpc);
	grpc_tls_credentials_options_set_certificate_verifier(options, wrapped);
	grpc_tls_certificate_verifier_release(wrapped);
	return options;
}

grpc_server_credentials *link_server_credentials(struct link *link)
{
	grpc_tls_credentials_options *options = options_new(link, link_verifier_new(link->guard, ""));
	/* "Don't verify" is gRPC's own check only: a certificate must be there, its key is proven by TLS, and
	 * on_verify() checks the chain. */
	grpc_tls_credentials_options_set_cert_request_type(
		options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
	return grpc_tls_server_credentials_create(options);
}

grpc_channel_credentials *link_channel_credentials(struct link *link, struct link_verifier *verifier)
{
	atomic_fetch_add(&verifier->refs, 1);
	grpc_tls_credentials_options *options = options_new(link, verifier);
	grpc_tls_credentials_options_set_verify_server_cert(options, 0);
	/* Certificates name regions, not hosts. */
	grpc_tls_credentials_options_set_check_call_host(options, 0);
	return grpc_tls_credentials_create(options);
}
