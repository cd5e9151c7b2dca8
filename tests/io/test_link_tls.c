/* Who is let in. */
#include "link_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

static void expect_ok(struct node *from, struct node *to)
{
	struct core_outbound *outbound = node_call(from, to->region, to->endpoint, "hello");
	if (outbound->error.code != TB_OK)
		print_error("%s\n", outbound->error.text);
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
}

static void test_link_refuses_a_client_of_another_ca(void **state)
{
	(void)state;
	struct node a, b;
	/* It says 320400, and a CA that calls itself 320400 says so as well. */
	node_start(&a, &pretender, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	node_call_fails(&a, &hangzhou, b.endpoint, "hello", TB_EUNREACHABLE);
	assert_int_equal(node_inbound_count(&b), 0);
	assert_int_equal(link_running(b.link), 0);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_refuses_a_client_that_is_no_peer(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&chengdu, NULL));
	node_call_fails(&a, &hangzhou, b.endpoint, "hello", TB_EUNREACHABLE);
	assert_int_equal(node_inbound_count(&b), 0);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_refuses_a_server_of_another_ca(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &hangzhou, peers_of(&changzhou, NULL));
	node_start(&b, &pretender, peers_of(&hangzhou, NULL));
	const char *text = node_call_fails(&a, &changzhou, b.endpoint, "hello", TB_EUNREACHABLE);
	assert_non_null(strstr(text, "320400"));
	assert_int_equal(node_inbound_count(&b), 0);
	assert_string_equal(link_peer_state(a.link, "320400"), "refused");
	node_stop(&a);
	node_stop(&b);
}

static void test_link_refuses_a_server_of_another_region(void **state)
{
	(void)state;
	struct node a, c;
	/* 510100 is a good peer, but 330100 was called. */
	node_start(&a, &changzhou, peers_of(&hangzhou, &chengdu));
	node_start(&c, &chengdu, peers_of(&changzhou, NULL));
	expect_ok(&a, &c);
	const char *text = node_call_fails(&a, &hangzhou, c.endpoint, "hello", TB_EUNREACHABLE);
	assert_non_null(strstr(text, "510100 answers where 330100 was called"));
	assert_string_equal(link_peer_state(a.link, "330100"), "refused");
	assert_string_equal(link_peer_state(a.link, "510100"), "ready");
	assert_int_equal(node_inbound_count(&c), 1);
	node_stop(&a);
	node_stop(&c);
}

static void test_link_refuses_a_removed_peer_on_its_open_connection(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	expect_ok(&a, &b);
	node_set_peers(&b, peers_of(&chengdu, NULL));
	link_peers_changed(b.link);
	node_call_fails(&a, &hangzhou, b.endpoint, "hello", TB_EUNTRUSTED);
	node_fetch(&a, &hangzhou, b.endpoint, 3, 0, 0);
	struct core_fetch *fetch = node_wait_fetched(&a);
	assert_int_not_equal(fetch->error.code, TB_OK);
	assert_int_equal(fetch->chunks, 0);
	free(fetch);
	/* The same region with other anchors is not the same peer. */
	node_set_peers(&b, peers_of(&pretender, NULL));
	node_call_fails(&a, &hangzhou, b.endpoint, "hello", TB_EUNTRUSTED);
	assert_int_equal(node_inbound_count(&b), 1);
	node_set_peers(&b, peers_of(&changzhou, NULL));
	expect_ok(&a, &b);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_refuses_an_expired_certificate(void **state)
{
	(void)state;
	struct node a, b, c;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, &chengdu));
	node_start(&c, &chengdu, peers_of(&hangzhou, NULL));
	expect_ok(&a, &b);
	atomic_store(&test_now, NOW + 6 * TB_DAY);
	/* On the open connection, and at the handshake. */
	node_call_fails(&a, &hangzhou, b.endpoint, "hello", TB_EUNTRUSTED);
	node_call_fails(&c, &hangzhou, b.endpoint, "hello", TB_EUNREACHABLE);
	assert_int_equal(node_inbound_count(&b), 1);
	atomic_store(&test_now, NOW);
	node_stop(&a);
	node_stop(&b);
	node_stop(&c);
}

/* ---- with OpenSSL itself */

static int connect_to(const struct node *node)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)link_port(node->link)),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void use_certificate(SSL_CTX *context, const struct region *region)
{
	BIO *bio = BIO_new_mem_buf(region->chain.data, (int)region->chain.size);
	X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(SSL_CTX_use_certificate(context, leaf), 1);
	X509_free(leaf);
	BIO_free(bio);
	bio = BIO_new_mem_buf(region->key_pem.data, (int)region->key_pem.size);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* Shakes hands with exactly |version| and reads the server's first byte: an HTTP/2 SETTINGS frame, which
 * comes only after the verifier has agreed. */
static bool shakes_hands(const struct node *node, int version, const char *ciphers,
                         const struct region *region)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	/* Whether old versions are refused is for the server to show: this client takes everything. */
	SSL_CTX_set_security_level(context, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(context, ciphers), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(context, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(context, version), 1);
	assert_int_equal(SSL_CTX_set_alpn_protos(context, (const uint8_t *)"\x02h2", 3), 0);
	if (region)
		use_certificate(context, region);
	SSL *ssl = SSL_new(context);
	int fd = connect_to(node);
	SSL_set_fd(ssl, fd);
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
	uint8_t frame[9];
	bool done = SSL_connect(ssl) == 1 && SSL_write(ssl, preface, sizeof(preface) - 1) > 0 &&
	            SSL_read(ssl, frame, sizeof(frame)) > 0;
	if (done)
		assert_int_equal(SSL_version(ssl), version);
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return done;
}

static void test_link_speaks_tls_1_2_at_least(void **state)
{
	(void)state;
	struct node b;
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	static const char all[] = "ALL:@SECLEVEL=0";
	assert_false(shakes_hands(&b, TLS1_VERSION, all, &changzhou));
	assert_false(shakes_hands(&b, TLS1_1_VERSION, all, &changzhou));
	assert_true(shakes_hands(&b, TLS1_2_VERSION, all, &changzhou));
	assert_true(shakes_hands(&b, TLS1_3_VERSION, all, &changzhou));
	node_stop(&b);
}

static void test_link_speaks_forward_secret_ciphers_only(void **state)
{
	(void)state;
	struct node b;
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	static const char *const weak[] = {"NULL:@SECLEVEL=0", "kRSA:@SECLEVEL=0", "SHA1:@SECLEVEL=0",
	                                   "aNULL:@SECLEVEL=0"};
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
		assert_false(shakes_hands(&b, TLS1_2_VERSION, weak[i], &changzhou));
	assert_true(shakes_hands(&b, TLS1_2_VERSION, "ECDHE+AESGCM", &changzhou));
	node_stop(&b);
}

static void test_link_refuses_a_client_without_certificate(void **state)
{
	(void)state;
	struct node b;
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	assert_false(shakes_hands(&b, TLS1_2_VERSION, "ALL", NULL));
	assert_false(shakes_hands(&b, TLS1_3_VERSION, "ALL", NULL));
	assert_false(shakes_hands(&b, TLS1_3_VERSION, "ALL", &pretender));
	assert_true(shakes_hands(&b, TLS1_3_VERSION, "ALL", &changzhou));
	node_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_refuses_a_client_of_another_ca),
		cmocka_unit_test(test_link_refuses_a_client_that_is_no_peer),
		cmocka_unit_test(test_link_refuses_a_server_of_another_ca),
		cmocka_unit_test(test_link_refuses_a_server_of_another_region),
		cmocka_unit_test(test_link_refuses_a_removed_peer_on_its_open_connection),
		cmocka_unit_test(test_link_refuses_an_expired_certificate),
		cmocka_unit_test(test_link_speaks_tls_1_2_at_least),
		cmocka_unit_test(test_link_speaks_forward_secret_ciphers_only),
		cmocka_unit_test(test_link_refuses_a_client_without_certificate),
	};
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to connections that the server has closed. */
	return cmocka_run_group_tests(tests, regions_setup, regions_teardown);
}
