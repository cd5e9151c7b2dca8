#include "node/io/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/core/calendar.h"
#include "node/core/region.h"
#include "node/io/file.h"

#define NOW ((tb_time)1795000000000) /* 2026-11-18 */

/* A scratch directory with two nodes, 320400 in a/ and 510100 in b/; removed by teardown. */
struct scratch {
	char root[64];
	char a[96];
	char b[96];
	struct tb_error err;
	char path[256];
};

static void init_node(const char *dir, const char *region, const char *listen)
{
	struct tb_error err = {0};
	const struct config_new init = {
		.region = region, .listen = listen, .message_suite = PKI_ED25519, .now = NOW};
	if (config_init(dir, &init, &err) != TB_OK)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	struct scratch *s = tb_alloc(sizeof(*s));
	snprintf(s->root, sizeof(s->root), "/tmp/tongban_config_XXXXXX");
	assert_non_null(mkdtemp(s->root));
	snprintf(s->a, sizeof(s->a), "%s/a", s->root);
	snprintf(s->b, sizeof(s->b), "%s/b", s->root);
	init_node(s->a, "320400", "127.0.0.1:7443");
	init_node(s->b, "510100", NULL);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *s = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", s->root);
	int rc = system(command);
	free(s);
	return rc;
}

static const char *in(struct scratch *s, const char *dir, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", dir, name);
	return s->path;
}

static void put(struct scratch *s, const char *dir, const char *name, const char *text)
{
	struct tb_error err = {0};
	if (file_replace(in(s, dir, name), tb_bytes_str(text), 0600, &err) != TB_OK)
		fail_msg("%s", err.text);
}

static void assert_says(const struct tb_error *err, const char *text)
{
	if (!strstr(err->text, text))
		fail_msg("\"%s\" does not say \"%s\"", err->text, text);
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- a new node */

static void test_init_makes_a_node_that_loads(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	struct config_keys *keys = NULL;
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_string_equal(config->region, "320400");
	assert_string_equal(config->name, "常州市");
	assert_string_equal(config->listen, "127.0.0.1:7443");
	assert_string_equal(config->endpoint, "127.0.0.1:7443");
	assert_int_equal(config->log_level, TB_LOG_INFO);
	assert_true(config->store_max_bytes == (uint64_t)64 << 30);
	assert_string_equal(regions_name(config->regions, "429004"), "仙桃市");
	int first, last;
	calendar_years(config->calendar, &first, &last);
	assert_in_range(2026, first, last);
	assert_int_equal(config_keys_load(&keys, config, NOW, &s->err), TB_OK);
	assert_int_equal(keys->message_chain_count, 1);
	assert_int_equal(keys->seal_chain_count, 1);
	assert_int_equal(pki_key_suite(keys->message_key), PKI_ED25519);
	assert_true(pki_trust_knows(keys->anchors, "320400"));
	config_keys_free(keys);
	config_free(config);
}

static void test_init_keeps_the_keys_from_others(void **state)
{
	struct scratch *s = *state;
	static const char *const files[] = {"keys/ca.key", "keys/node.key", "keys/message.key",
	                                    "keys/seal.key", "keys/vault.key"};
	assert_int_equal(mode_of(s->a), 0700);
	assert_int_equal(mode_of(in(s, s->a, "keys")), 0700);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(mode_of(in(s, s->a, files[i])), 0600);
}

static void test_init_gives_no_endpoint_where_none_can_be_told(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	assert_int_equal(config_load(&config, s->b, &s->err), TB_OK);
	assert_string_equal(config->listen, "0.0.0.0:7443");
	assert_string_equal(config->endpoint, "");
	config_free(config);
}

static void test_init_refuses_a_directory_with_something_in_it(void **state)
{
	struct scratch *s = *state;
	const struct config_new init = {.region = "320400", .now = NOW};
	assert_int_equal(config_init(s->a, &init, &s->err), TB_EEXISTS);
	assert_says(&s->err, "not empty");
}

static void refuse_init(struct scratch *s, struct config_new init, const char *says)
{
	char dir[128];
	snprintf(dir, sizeof(dir), "%s/c", s->root);
	init.now = NOW;
	assert_int_equal(config_init(dir, &init, &s->err), TB_EINVALID);
	assert_says(&s->err, says);
	assert_false(file_exists(dir));
}

static void test_init_refuses_what_is_wrong_before_it_writes(void **state)
{
	struct scratch *s = *state;
	refuse_init(s, (struct config_new){.region = "320401"}, "did you mean 320400, 常州市?");
	refuse_init(s, (struct config_new){.region = "常州"}, "did you mean 320400, 常州市?");
	refuse_init(s, (struct config_new){.region = "nowhere"}, "no region code");
	refuse_init(s, (struct config_new){.region = ""}, "no region code");
	refuse_init(s, (struct config_new){.region = "320400", .listen = "7443"}, "listen");
	refuse_init(s, (struct config_new){.region = "320400", .endpoint = "host:0"}, "endpoint");
	refuse_init(s, (struct config_new){.region = "320400", .name = "a\nb"}, "name");
}

/* ---- node.yaml */

static void refuse_node(struct scratch *s, const char *yaml, const char *says)
{
	struct config *config = NULL;
	put(s, s->a, "node.yaml", yaml);
	assert_int_equal(config_load(&config, s->a, &s->err), TB_EINVALID);
	assert_null(config);
	assert_says(&s->err, "/a/node.yaml:");
	assert_says(&s->err, says);
}

static void test_load_names_file_line_and_field(void **state)
{
	struct scratch *s = *state;
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\nlog_level: loud\n",
	            "node.yaml:3: log_level: not one of the values that it may have: loud");
	refuse_node(s, "region: '320400'\n\nlissen: 'x:1'\n", "node.yaml:3: lissen: unknown field");
	refuse_node(s, "region: '320400'\n", "listen: missing");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\nregion: '510100'\n",
	            "node.yaml:3: region: given twice");
	refuse_node(s, "region: '32040000'\nlisten: 'x:1'\n", "node.yaml:1: region: ");
	refuse_node(s, "listen: 'x:1'\nregion: '320499'\n",
	            "node.yaml:2: region: 320499 is in no region table");
	refuse_node(s, "region: '320400'\nlisten: 'x'\n", "node.yaml:2: listen: x is not host:port");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\nstore_max_gib: 0\n", "node.yaml:3: store_max_gib: ");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\nstore_max_gib: -1\n",
	            "node.yaml:3: store_max_gib: ");
	refuse_node(s, "region: [1]\nlisten: 'x:1'\n", "node.yaml:1: region: ");
	refuse_node(s, "region: '320400'\nlisten: \"x:1\n", "node.yaml:");
	refuse_node(s, "region: &r '320400'\nlisten: *r\n", "node.yaml:2: listen: ");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '80'\n", "api.listen: 80 is not");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '0.0.0.0:0'\n",
	            "node.yaml:4: api.listen: 0.0.0.0:0: without api.tls");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '128.0.0.1:0'\n", "without api.tls");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '127.0.0.1.example:0'\n",
	            "without api.tls");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '127.0.0.1:0'\n  tls:\n    key: a\n",
	            "certificate: missing");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\napi:\n  tls:\n    key: a\n    certificate: b\n",
	            "listen: missing");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\n---\nregion: '510100'\n", "only one document");
}

static void test_load_takes_a_port_for_the_local_api(void **state)
{
	static const char *const loopback[] = {"127.0.0.1:0", "127.255.0.1:8080", "localhost:8080",
	                                       "[::1]:8080"};
	struct scratch *s = *state;
	struct config *config = NULL;
	char yaml[256];
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		snprintf(yaml, sizeof(yaml), "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '%s'\n",
		         loopback[i]);
		put(s, s->a, "node.yaml", yaml);
		assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
		assert_string_equal(config->api_listen, loopback[i]);
		assert_null(config->api_tls_certificate);
		config_free(config);
	}
	put(s, s->a, "node.yaml",
	    "region: '320400'\nlisten: 'x:1'\napi:\n  listen: '0.0.0.0:8443'\n  tls:\n    certificate: "
	    "certs/api.pem\n    key: /etc/api.key\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_string_equal(config->api_listen, "0.0.0.0:8443");
	assert_non_null(strstr(config->api_tls_certificate, "/a/certs/api.pem"));
	assert_string_equal(config->api_tls_key, "/etc/api.key");
	config_free(config);
	put(s, s->a, "node.yaml", "region: '320400'\nlisten: 'x:1'\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_null(config->api_listen);
	config_free(config);
}

static void test_load_takes_lead_times_for_each_clock(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	put(s, s->a, "node.yaml",
	    "region: '320400'\nlisten: 'x:1'\ndue_soon_hours:\n  default: 12\n  T5: 72\n  T2: 0\n  matters: "
	    "48\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config->warn_before[0], 48 * TB_HOUR);
	assert_int_equal(config->warn_before[PB_CLOCK__T1_NOTIFY], 12 * TB_HOUR);
	assert_int_equal(config->warn_before[PB_CLOCK__T2_PUSH], CORE_NO_WARNING);
	assert_int_equal(config->warn_before[PB_CLOCK__T5_DECIDE], 72 * TB_HOUR);
	assert_int_equal(config->warn_before[PB_CLOCK__T10_OBJECT], 12 * TB_HOUR);
	config_free(config);
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\ndue_soon_hours:\n  T11: 3\n", "node.yaml:4: ");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\ndue_soon_hours:\n  T5: -1\n", "node.yaml:4: ");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\ndue_soon_hours:\n  T5: 9000\n",
	            "node.yaml:4: due_soon_hours.T5: 9000 is over 8784");
	refuse_node(s, "region: '320400'\nlisten: 'x:1'\ndue_soon_hours:\n  default: 9000\n",
	            "due_soon_hours.default");
}

static void test_load_refuses_an_empty_file_and_other_encodings(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	put(s, s->a, "node.yaml", "");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_EINVALID);
	put(s, s->a, "node.yaml", "# nothing\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_EINVALID);
	put(s, s->a, "node.yaml", "region: '\xb3\xa3'\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_EINVALID);
	assert_says(&s->err, "UTF-8");
}

static void test_load_without_a_node_says_so(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	assert_int_equal(config_load(&config, s->root, &s->err), TB_ENOTFOUND);
	assert_says(&s->err, "no node.yaml");
}

static void test_load_refuses_loose_permissions(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	static const struct {
		const char *name;
		unsigned loose;
		unsigned good;
		const char *says;
	} cases[] = {
		{"keys/seal.key", 0640, 0600, "run: chmod 600 '"},
		{"keys/vault.key", 0604, 0600, "run: chmod 600 '"},
		{"keys", 0750, 0700, "run: chmod 700 '"},
		{"peers", 0777, 0700, "run: chmod go-w '"},
		{"certs", 0720, 0700, "run: chmod go-w '"},
		{".", 0702, 0700, "run: chmod go-w '"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(chmod(in(s, s->a, cases[i].name), cases[i].loose), 0);
		assert_int_equal(config_load(&config, s->a, &s->err), TB_EPERMISSIONS);
		assert_says(&s->err, cases[i].says);
		assert_int_equal(chmod(in(s, s->a, cases[i].name), cases[i].good), 0);
	}
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	config_free(config);
}

static void test_a_calendar_in_the_directory_replaces_the_compiled_one(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	int first, last;
	put(s, s->a, "data/workdays.tsv", "2027-01-01\tH\t元旦\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	calendar_years(config->calendar, &first, &last);
	assert_int_equal(first, 2027);
	assert_int_equal(last, 2027);
	config_free(config);
	put(s, s->a, "data/workdays.tsv", "2027-01-01\tX\t元旦\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_EMALFORMED);
	assert_says(&s->err, "data/workdays.tsv");
}

/* ---- keys */

static void refuse_keys(struct scratch *s, tb_time now, enum tb_code code, const char *says)
{
	struct config *config = NULL;
	struct config_keys *keys = NULL;
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config_keys_load(&keys, config, now, &s->err), code);
	assert_null(keys);
	assert_says(&s->err, says);
	config_free(config);
}

static void copy(struct scratch *s, const char *from_dir, const char *from, const char *to)
{
	struct tb_buf text = {0};
	assert_int_equal(file_read(&text, in(s, from_dir, from), 1 << 16, &s->err), TB_OK);
	assert_int_equal(file_replace(in(s, s->a, to), tb_buf_bytes(&text), 0600, &s->err), TB_OK);
	tb_buf_clear(&text);
}

static void test_keys_must_fit_their_certificates(void **state)
{
	struct scratch *s = *state;
	copy(s, s->b, "keys/node.key", "keys/node.key");
	refuse_keys(s, NOW, TB_EINVALID, "certs/node.pem: does not belong to keys/node.key");
}

static void test_keys_of_another_region_are_refused(void **state)
{
	struct scratch *s = *state;
	copy(s, s->b, "keys/message.key", "keys/message.key");
	copy(s, s->b, "certs/message.pem", "certs/message.pem");
	refuse_keys(s, NOW, TB_EUNTRUSTED, "certs/message.pem");
}

static void test_keys_of_another_role_are_refused(void **state)
{
	struct scratch *s = *state;
	copy(s, s->a, "keys/node.key", "keys/message.key");
	copy(s, s->a, "certs/node.pem", "certs/message.pem");
	refuse_keys(s, NOW, TB_EUNTRUSTED, "certs/message.pem");
}

static void test_expired_certificates_are_refused(void **state)
{
	struct scratch *s = *state;
	refuse_keys(s, NOW + 3 * 365 * TB_DAY, TB_EEXPIRED, "certs/node.pem");
}

static void test_a_vault_key_of_another_size_is_refused(void **state)
{
	struct scratch *s = *state;
	put(s, s->a, "keys/vault.key", "short");
	refuse_keys(s, NOW, TB_EINVALID, "keys/vault.key: 5 bytes");
}

static void test_a_missing_key_is_named(void **state)
{
	struct scratch *s = *state;
	assert_int_equal(unlink(in(s, s->a, "keys/seal.key")), 0);
	refuse_keys(s, NOW, TB_ENOTFOUND, "keys/seal.key");
}

static void test_the_node_starts_without_the_key_of_its_ca(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	struct config_keys *keys = NULL;
	assert_int_equal(unlink(in(s, s->a, "keys/ca.key")), 0);
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config_keys_load(&keys, config, NOW, &s->err), TB_OK);
	config_keys_free(keys);
	config_free(config);
}

/* ---- peers */

/* b's exported file. */
static void export_b(struct scratch *s, struct tb_buf *text)
{
	if (config_peer_export(s->b, text, &s->err) != TB_OK)
		fail_msg("%s", s->err.text);
}

static enum tb_code import_text(struct scratch *s, struct config_peer_imported *out, const char *text,
                                bool force)
{
	return config_peer_import(out, s->a, "b.yaml", tb_bytes_str(text), force, &s->err);
}

static enum tb_code load_peers(struct scratch *s, struct peer_set **peers)
{
	struct config *config = NULL;
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	enum tb_code code = config_peers(peers, s->a, config->region, config->regions, &s->err);
	config_free(config);
	return code;
}

static void test_export_and_import_give_a_peer_with_no_grants(void **state)
{
	struct scratch *s = *state;
	struct tb_buf text = {0};
	struct config_peer_imported imported;
	struct peer_set *peers = NULL;
	export_b(s, &text);
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text), false), TB_OK);
	assert_string_equal(imported.region, "510100");
	assert_string_equal(imported.name, "成都市");
	assert_string_equal(imported.endpoint, "");
	assert_non_null(strstr(tb_buf_text(&text), imported.fingerprint));
	assert_false(imported.known);
	assert_false(imported.replaced);

	assert_int_equal(load_peers(s, &peers), TB_OK);
	assert_int_equal(peer_set_count(peers), 1);
	const struct peer *peer = peer_find(peers, "510100");
	assert_non_null(peer);
	assert_string_equal(peer->name, "成都市");
	assert_int_equal(peer->verify_count, 0);
	assert_int_equal(peer->cases_count, 0);
	assert_int_equal(peer_may_verify(peer, "11100000MB0143028R001"),
	                 PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED);
	assert_false(peer_may_send(peer, "item", "DS"));
	assert_int_equal(peer->queries_per_second, 200);
	assert_true(pki_trust_knows(peer_trust(peers), "510100"));
	peer_set_unref(peers);
	tb_buf_clear(&text);
}

static const char granted[] = "region: \"510100\"\n"
			      "name: 成都市\n"
			      "endpoint: 10.0.0.2:7443 # by leased line\n"
			      "grants:\n"
			      "  verify:\n"
			      "    - types: [\"11100000MB0143028R001\"]\n"
			      "      disclosure: document\n"
			      "    - types: [\"*\"]\n"
			      "      disclosure: status\n"
			      "  cases:\n"
			      "    - items: [\"*\"]\n"
			      "      modes: [DS]\n"
			      "queries_per_second: 7\n"
			      "queries_burst: 9\n";

static void import_b(struct scratch *s)
{
	struct tb_buf text = {0};
	struct config_peer_imported imported;
	export_b(s, &text);
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text), false), TB_OK);
	tb_buf_clear(&text);
}

static void test_peers_are_granted_what_the_file_says(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	import_b(s);
	put(s, s->a, "peers/510100.yaml", granted);
	assert_int_equal(load_peers(s, &peers), TB_OK);
	const struct peer *peer = peer_find(peers, "510100");
	assert_string_equal(peer->endpoint, "10.0.0.2:7443");
	assert_int_equal(peer_may_verify(peer, "11100000MB0143028R001"), PB_DISCLOSURE__DOCUMENT);
	assert_int_equal(peer_may_verify(peer, "11100000000013127D001"), PB_DISCLOSURE__STATUS);
	assert_true(peer_may_send(peer, "item", "DS"));
	assert_false(peer_may_send(peer, "item", "QC"));
	assert_int_equal(peer->queries_per_second, 7);
	assert_int_equal(peer->queries_burst, 9);
	peer_set_unref(peers);
}

static void refuse_peer(struct scratch *s, const char *name, const char *yaml, const char *says)
{
	struct peer_set *peers = NULL;
	put(s, s->a, name, yaml);
	assert_int_equal(load_peers(s, &peers), TB_EINVALID);
	assert_null(peers);
	assert_says(&s->err, says);
}

static void test_peer_files_name_line_and_field(void **state)
{
	struct scratch *s = *state;
	static const char file[] = "peers/510100.yaml";
	import_b(s);
	refuse_peer(s, file, "region: '510100'\ngrants:\n  verify:\n  - types: ['*']\n    disclosure: all\n",
	            "510100.yaml:5: grants.verify[0].disclosure: ");
	refuse_peer(s, file, "region: '510100'\ngrants:\n  verify:\n  - disclosure: status\n",
	            "grants.verify[0].types: missing");
	refuse_peer(s, file, "region: '510100'\ngrants:\n  verify:\n  - types: []\n    disclosure: status\n",
	            "grants.verify[0].types: too few entries");
	refuse_peer(s, file,
	            "region: '510100'\ngrants:\n  cases:\n  - items: ['*']\n    modes: [DS]\n    x: 1\n",
	            "510100.yaml:6: grants.cases[0].x: unknown field");
	refuse_peer(s, file, "region: '510100'\ngrants:\n  cases:\n  - items: ['*']\n    modes: [DS, ds]\n",
	            "510100.yaml:5: grants.cases[0].modes: ds is no handling mode");
	refuse_peer(s, file, "region: '510100'\ngrants:\n  cases:\n  - items: ['3*']\n    modes: [DS]\n",
	            "grants.cases[0].items: 3*");
	refuse_peer(s, file, "region: '510100'\nendpoint: here\n",
	            "510100.yaml:2: endpoint: here is not host:port");
	refuse_peer(s, file, "region: '510100'\nqueries_burst: many\n", "510100.yaml:2: queries_burst: ");
	refuse_peer(s, file, "region: '510100'\ngrant:\n", "510100.yaml:2: grant: unknown field");
}

static void test_peer_files_are_held_to_their_region(void **state)
{
	struct scratch *s = *state;
	import_b(s);
	refuse_peer(s, "peers/510100.yaml", "region: '510300'\n", "does not fit the file's name");
	refuse_peer(s, "peers/510100.yaml", "region: '320400'\n", "this node's own region");
	refuse_peer(s, "peers/510100.yaml", "region: '999999'\n", "in no region table");
}

static void test_peers_without_good_anchors_are_refused(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	put(s, s->a, "peers/510100.yaml", "region: '510100'\n");
	assert_int_equal(load_peers(s, &peers), TB_ENOTFOUND);
	assert_says(&s->err, "peers/510100.pem");
	put(s, s->a, "peers/510100.pem", "no pem\n");
	assert_int_not_equal(load_peers(s, &peers), TB_OK);
	assert_says(&s->err, "peers/510100.pem");
	copy(s, s->a, "certs/ca.pem", "peers/510100.pem");
	assert_int_not_equal(load_peers(s, &peers), TB_OK);
	assert_says(&s->err, "peers/510100.pem");
	copy(s, s->b, "certs/ca.pem", "peers/510100.pem");
	assert_int_equal(load_peers(s, &peers), TB_OK);
	peer_set_unref(peers);
}

static void test_empty_grants_grant_nothing(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	import_b(s);
	put(s, s->a, "peers/510100.yaml", "region: '510100'\ngrants:\n  verify:\n  cases:\n");
	assert_int_equal(load_peers(s, &peers), TB_OK);
	assert_int_equal(peer_set_at(peers, 0)->verify_count, 0);
	assert_int_equal(peer_set_at(peers, 0)->cases_count, 0);
	peer_set_unref(peers);
}

static void test_import_again_keeps_grants_and_moves_the_endpoint(void **state)
{
	struct scratch *s = *state;
	struct config_peer_imported imported;
	struct peer_set *peers = NULL;
	struct tb_buf text = {0};
	import_b(s);
	put(s, s->a, "peers/510100.yaml", granted);
	put(s, s->b, "node.yaml", "region: '510100'\nlisten: 0.0.0.0:7443\nendpoint: new.example:1\n");
	export_b(s, &text);
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text), false), TB_OK);
	assert_true(imported.known);
	assert_false(imported.replaced);
	assert_int_equal(load_peers(s, &peers), TB_OK);
	const struct peer *peer = peer_find(peers, "510100");
	assert_string_equal(peer->endpoint, "new.example:1");
	assert_true(peer_may_send(peer, "item", "DS"));
	peer_set_unref(peers);
	tb_buf_clear(&text);
}

static void test_import_of_other_anchors_must_be_forced(void **state)
{
	struct scratch *s = *state;
	struct config_peer_imported imported;
	struct tb_buf text = {0};
	struct tb_buf before = {0};
	struct tb_buf after = {0};
	import_b(s);
	snprintf(s->b, sizeof(s->b), "%s/b2", s->root);
	init_node(s->b, "510100", NULL);
	export_b(s, &text);
	assert_int_equal(file_read(&before, in(s, s->a, "peers/510100.pem"), 1 << 16, &s->err), TB_OK);
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text), false), TB_EEXISTS);
	assert_int_equal(file_read(&after, in(s, s->a, "peers/510100.pem"), 1 << 16, &s->err), TB_OK);
	assert_true(tb_bytes_equal(tb_buf_bytes(&before), tb_buf_bytes(&after)));
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text), true), TB_OK);
	assert_true(imported.replaced);
	assert_int_equal(file_read(&after, in(s, s->a, "peers/510100.pem"), 1 << 16, &s->err), TB_OK);
	assert_false(tb_bytes_equal(tb_buf_bytes(&before), tb_buf_bytes(&after)));
	tb_buf_clear(&after);
	tb_buf_clear(&before);
	tb_buf_clear(&text);
}

/* b's export with |from| replaced by |to|, once. */
static char *changed(struct scratch *s, const char *from, const char *to)
{
	struct tb_buf text = {0};
	struct tb_buf out = {0};
	export_b(s, &text);
	const char *whole = tb_buf_text(&text);
	const char *at = strstr(whole, from);
	assert_non_null(at);
	tb_buf_add(&out, whole, (size_t)(at - whole));
	tb_buf_str(&out, to);
	tb_buf_str(&out, at + strlen(from));
	char *result = tb_strdup(tb_buf_text(&out));
	tb_buf_clear(&out);
	tb_buf_clear(&text);
	return result;
}

static void refuse_import(struct scratch *s, const char *from, const char *to, const char *says)
{
	struct config_peer_imported imported;
	char *text = changed(s, from, to);
	assert_int_equal(import_text(s, &imported, text, false), TB_EINVALID);
	assert_says(&s->err, "b.yaml:");
	assert_says(&s->err, says);
	assert_false(file_exists(in(s, s->a, "peers/510100.yaml")));
	assert_false(file_exists(in(s, s->a, "peers/510100.pem")));
	free(text);
}

static void test_import_refuses_what_does_not_fit(void **state)
{
	struct scratch *s = *state;
	refuse_import(s, "region: \"510100\"", "region: \"320400\"", "region: 320400 is this node's own");
	refuse_import(s, "region: \"510100\"", "region: \"510300\"", "anchor: ");
	refuse_import(s, "region: \"510100\"", "region: \"999999\"", "region: 999999 is in no region table");
	refuse_import(s, "tongban_peer: 1", "tongban_peer: 2", "tongban_peer: version 2");
	refuse_import(s, "fingerprint: \"", "fingerprint: \"0", "fingerprint: ");
	refuse_import(s, "BEGIN CERTIFICATE", "BEGIN LETTER", "anchor: ");
	refuse_import(s, "endpoint: \"\"", "endpoint: \"nowhere\"", "endpoint: nowhere is not host:port");
	refuse_import(s, "endpoint: \"\"", "grants: 1", "grants: unknown field");
}

static void test_a_fingerprint_of_another_key_is_refused(void **state)
{
	struct scratch *s = *state;
	struct config_peer_imported imported;
	struct tb_buf text = {0};
	export_b(s, &text);
	char *digits =
		strstr((char *)(uintptr_t)tb_buf_text(&text), "fingerprint: \"") + strlen("fingerprint: \"");
	digits[0] = digits[0] == '0' ? '1' : '0';
	assert_int_equal(import_text(s, &imported, (const char *)text.data, false), TB_EINVALID);
	assert_says(&s->err, "fingerprint: the anchor's is ");
	tb_buf_clear(&text);
}

static void test_remove_takes_the_peer_away(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	import_b(s);
	assert_int_equal(config_peer_remove(s->a, "510100", &s->err), TB_OK);
	assert_false(file_exists(in(s, s->a, "peers/510100.pem")));
	assert_int_equal(load_peers(s, &peers), TB_OK);
	assert_int_equal(peer_set_count(peers), 0);
	peer_set_unref(peers);
	assert_int_equal(config_peer_remove(s->a, "510100", &s->err), TB_ENOTFOUND);
	assert_int_equal(config_peer_remove(s->a, "../../a", &s->err), TB_EINVALID);
	assert_int_equal(config_peer_remove(s->a, "", &s->err), TB_EINVALID);
}

#define WITH_NODES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_NODES(test_init_makes_a_node_that_loads),
		WITH_NODES(test_init_keeps_the_keys_from_others),
		WITH_NODES(test_init_gives_no_endpoint_where_none_can_be_told),
		WITH_NODES(test_init_refuses_a_directory_with_something_in_it),
		WITH_NODES(test_init_refuses_what_is_wrong_before_it_writes),
		WITH_NODES(test_load_names_file_line_and_field),
		WITH_NODES(test_load_takes_a_port_for_the_local_api),
		WITH_NODES(test_load_takes_lead_times_for_each_clock),
		WITH_NODES(test_load_refuses_an_empty_file_and_other_encodings),
		WITH_NODES(test_load_without_a_node_says_so),
		WITH_NODES(test_load_refuses_loose_permissions),
		WITH_NODES(test_a_calendar_in_the_directory_replaces_the_compiled_one),
		WITH_NODES(test_keys_must_fit_their_certificates),
		WITH_NODES(test_keys_of_another_region_are_refused),
		WITH_NODES(test_keys_of_another_role_are_refused),
		WITH_NODES(test_expired_certificates_are_refused),
		WITH_NODES(test_a_vault_key_of_another_size_is_refused),
		WITH_NODES(test_a_missing_key_is_named),
		WITH_NODES(test_the_node_starts_without_the_key_of_its_ca),
		WITH_NODES(test_export_and_import_give_a_peer_with_no_grants),
		WITH_NODES(test_peers_are_granted_what_the_file_says),
		WITH_NODES(test_peer_files_name_line_and_field),
		WITH_NODES(test_peer_files_are_held_to_their_region),
		WITH_NODES(test_peers_without_good_anchors_are_refused),
		WITH_NODES(test_empty_grants_grant_nothing),
		WITH_NODES(test_import_again_keeps_grants_and_moves_the_endpoint),
		WITH_NODES(test_import_of_other_anchors_must_be_forced),
		WITH_NODES(test_import_refuses_what_does_not_fit),
		WITH_NODES(test_a_fingerprint_of_another_key_is_refused),
		WITH_NODES(test_remove_takes_the_peer_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
