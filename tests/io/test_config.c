/* node.yaml, and the keys and tables beside it. */
#include "tests/io/config_scene.h"

#include "node/core/calendar.h"
#include "node/core/region.h"

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

#define NODE_HEAD "region: '320400'\nlisten: 'x:1'\n"

static void test_load_takes_who_may_be_told_what_happens(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	put(s, s->a, "node.yaml",
	    NODE_HEAD
	    "webhooks:\n  allow: [hooks.example.gov, '10.20.3.4:8443', '[fd00::1]:443']\n"
	    "  networks: [10.20.0.0/16, 'fd00::/8']\n  ca: certs/hooks.pem\n  patience_hours: 24\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_string_equal(config->webhook_hosts[0], "hooks.example.gov");
	assert_string_equal(config->webhook_hosts[1], "10.20.3.4:8443");
	assert_string_equal(config->webhook_hosts[2], "[fd00::1]:443");
	assert_null(config->webhook_hosts[3]);
	assert_int_equal(config->webhook_networks_count, 2);
	assert_int_equal(config->webhook_networks[0].bits, 96 + 16);
	assert_int_equal(config->webhook_networks[1].bits, 8);
	assert_non_null(strstr(config->webhook_ca, "/a/certs/hooks.pem"));
	assert_int_equal(config->webhook_patience, 24 * TB_HOUR);
	config_free(config);
	put(s, s->a, "node.yaml", NODE_HEAD "webhooks:\n  allow: [h]\n  ca: /etc/hooks.pem\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config->webhook_networks_count, 0);
	assert_string_equal(config->webhook_ca, "/etc/hooks.pem");
	assert_int_equal(config->webhook_patience, 0);
	config_free(config);
	put(s, s->a, "node.yaml", NODE_HEAD);
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_null(config->webhook_hosts);
	config_free(config);
}

static void test_load_refuses_webhooks_that_could_reach_too_far(void **state)
{
	static const char *const wrong[][2] = {
		{"  networks: [10.0.0.0/8]\n", "allow: missing"},
		{"  allow: []\n", "node.yaml:4: webhooks.allow: too few entries"},
		{"  allow: [good, 'http://a']\n", "webhooks.allow: http://a is not host or host:port"},
		{"  allow: [Hooks.example]\n", "Hooks.example is not host or host:port, in small letters"},
		{"  allow: ['a:0']\n", "a:0 is not host"},
		{"  allow: ['a:65536']\n", "a:65536 is not host"},
		{"  allow: ['[fd00::1']\n", "[fd00::1 is not host"},
		{"  allow: [a]\n  networks: [10.0.0.1/8]\n", "node.yaml:5: webhooks.networks: "},
		{"  allow: [a]\n  networks: [everywhere]\n", "node.yaml:5: webhooks.networks: "},
		{"  allow: [a]\n  patience_hours: 0\n", "webhooks.patience_hours: 0 is not in 1 to 8760"},
		{"  allow: [a]\n  patience_hours: 8761\n", "node.yaml:5: webhooks.patience_hours: 8761"},
		{"  allow: [a]\n  secret: b\n", "node.yaml:5: webhooks.secret: unknown field"},
	};
	char yaml[256];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(yaml, sizeof(yaml), NODE_HEAD "webhooks:\n%s", wrong[i][0]);
		refuse_node(*state, yaml, wrong[i][1]);
	}
}

static void test_load_takes_years_of_retention_and_without_them_all_is_kept(void **state)
{
	struct scratch *s = *state;
	struct config *config = NULL;
	put(s, s->a, "node.yaml", NODE_HEAD "retention:\n  cases: 30\n  materials: 1\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config->retention_cases, 30);
	assert_int_equal(config->retention_materials, 1);
	config_free(config);
	put(s, s->a, "node.yaml", NODE_HEAD "retention:\n  materials: 100\n");
	assert_int_equal(config_load(&config, s->a, &s->err), TB_OK);
	assert_int_equal(config->retention_cases, 0);
	assert_int_equal(config->retention_materials, 100);
	config_free(config);
	/* 0 would prune at once, or mean for ever: it is not said which. */
	refuse_node(s, NODE_HEAD "retention:\n  cases: 0\n",
	            "node.yaml:4: retention.cases: 0 is not in 1 to 1000 years");
	refuse_node(s, NODE_HEAD "retention:\n  cases: 5\n  materials: 1001\n",
	            "node.yaml:5: retention.materials: 1001 is not in 1 to 1000 years");
	refuse_node(s, NODE_HEAD "retention:\n  cases: -1\n", "node.yaml:4: retention.cases: ");
	refuse_node(s, NODE_HEAD "retention:\n  logs: 1\n", "retention.logs: unknown field");
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
		{"node.yaml", 0666, 0644, "node.yaml: others can write to it (mode 0666); run: chmod go-w '"},
		{"node.yaml", 0664, 0644, "run: chmod go-w '"},
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

static void test_certificates_that_others_can_write_are_not_trusted(void **state)
{
	struct scratch *s = *state;
	assert_int_equal(chmod(in(s, s->a, "certs/ca.pem"), 0646), 0);
	refuse_keys(s, NOW, TB_EPERMISSIONS,
	            "certs/ca.pem: others can write to it (mode 0646); run: chmod go-w '");
	assert_int_equal(chmod(in(s, s->a, "certs/ca.pem"), 0644), 0);
	assert_int_equal(chmod(in(s, s->a, "certs/seal.pem"), 0664), 0);
	refuse_keys(s, NOW, TB_EPERMISSIONS, "certs/seal.pem: others can write to it");
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
		WITH_NODES(test_load_takes_who_may_be_told_what_happens),
		WITH_NODES(test_load_refuses_webhooks_that_could_reach_too_far),
		WITH_NODES(test_load_takes_years_of_retention_and_without_them_all_is_kept),
		WITH_NODES(test_load_refuses_an_empty_file_and_other_encodings),
		WITH_NODES(test_load_without_a_node_says_so),
		WITH_NODES(test_load_refuses_loose_permissions),
		WITH_NODES(test_a_calendar_in_the_directory_replaces_the_compiled_one),
		WITH_NODES(test_keys_must_fit_their_certificates),
		WITH_NODES(test_keys_of_another_region_are_refused),
		WITH_NODES(test_keys_of_another_role_are_refused),
		WITH_NODES(test_expired_certificates_are_refused),
		WITH_NODES(test_a_vault_key_of_another_size_is_refused),
		WITH_NODES(test_certificates_that_others_can_write_are_not_trusted),
		WITH_NODES(test_a_missing_key_is_named),
		WITH_NODES(test_the_node_starts_without_the_key_of_its_ca),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
