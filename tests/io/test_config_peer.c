/* The peers of a node as files: exported, imported, loaded. */
#include "tests/io/config_scene.h"

/* b's exported file. */
static void export_b(struct scratch *s, struct tb_buf *text)
{
	struct config_anchors anchors;
	char line[100];
	if (config_peer_export(s->b, text, &anchors, &s->err) != TB_OK)
		fail_msg("%s", s->err.text);
	snprintf(line, sizeof(line), "\nfingerprint: \"%s\"\n", anchors.fingerprint);
	assert_non_null(strstr(tb_buf_text(text), line));
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
	assert_non_null(strstr(tb_buf_text(&text), imported.anchors.fingerprint));
	assert_int_equal(imported.anchors.count, 1);
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
	refuse_peer(s, file, "region: '510100'\ngrants:\n  cases:\n  - items: ['*']\n    modes: [ZZ]\n",
	            "510100.yaml:5: grants.cases[0].modes: ZZ is no handling mode");
	refuse_peer(s, file,
	            "region: '510100'\ngrants:\n  verify:\n  - types: ['*', '111']\n    disclosure: status\n",
	            "510100.yaml:4: grants.verify[0].types: 111 is no certificate type");
	refuse_peer(s, file, "region: '510100'\ngrants:\n  cases:\n  - items: ['3*']\n    modes: [DS]\n",
	            "grants.cases[0].items: 3*");
	refuse_peer(s, file, "region: '510100'\nendpoint: here\n",
	            "510100.yaml:2: endpoint: here is not host:port");
	refuse_peer(s, file, "region: '510100'\nqueries_burst: many\n", "510100.yaml:2: queries_burst: ");
	refuse_peer(s, file, "region: '510100'\ngrant:\n", "510100.yaml:2: grant: unknown field");
}

#define MAPS "region: '510100'\nmaps:\n"

static void test_a_peers_codes_are_read_from_its_file(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	const PbItem item = {.code = (char *)(uintptr_t) "I1", .base_code = (char *)(uintptr_t) "B1"};
	import_b(s);
	put(s, s->a, "peers/510100.yaml",
	    MAPS "  certificate_types:\n  - {theirs: JHZ-01, ours: T1}\n  - {theirs: JHZ-02, ours: T1}\n"
	         "  holder_types:\n  - {theirs: '1', ours: '111'}\n"
	         "  materials:\n  - {item: B1, theirs: M1, ours: FORM}\n  - {theirs: M9, ours: ID}\n"
	         "  case_states:\n  - {theirs: '26', ours: signed-for}\n"
	         "  certificate_states:\n  - {theirs: '1', ours: VALID}\n");
	assert_int_equal(load_peers(s, &peers), TB_OK);
	const struct peer *peer = peer_find(peers, "510100");
	assert_int_equal(peer->codes_count, 7);
	assert_string_equal(peer_code_here(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, "JHZ-02"), "T1");
	/* Of several the first is said. */
	assert_string_equal(peer_code_there(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, "T1"), "JHZ-01");
	assert_true(peer_code_same(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "JHZ-01", "JHZ-02"));
	assert_false(peer_code_same(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "JHZ-01", "JHZ-03"));
	assert_string_equal(peer_code_here(peer, PB_CODE_KIND__CODE_HOLDER_TYPE, NULL, "1"), "111");
	assert_null(peer_code_here(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, "1"));
	assert_string_equal(peer_code_here(peer, PB_CODE_KIND__CODE_MATERIAL, &item, "M1"), "FORM");
	assert_null(peer_code_here(peer, PB_CODE_KIND__CODE_MATERIAL, NULL, "M1"));
	assert_string_equal(peer_code_there(peer, PB_CODE_KIND__CODE_MATERIAL, NULL, "ID"), "M9");
	assert_string_equal(peer_code_there(peer, PB_CODE_KIND__CODE_CASE_STATE, NULL, "SIGNED_FOR"), "26");
	assert_null(peer_code_here(NULL, PB_CODE_KIND__CODE_MATERIAL, NULL, "M9"));
	peer_set_unref(peers);
}

static void test_maps_of_codes_name_line_and_field(void **state)
{
	struct scratch *s = *state;
	static const char file[] = "peers/510100.yaml";
	import_b(s);
	refuse_peer(s, file, MAPS "  certificates:\n", "510100.yaml:3: maps.certificates: unknown field");
	refuse_peer(s, file, MAPS "  holder_types:\n  - {theirs: A}\n", "maps.holder_types[0].ours: missing");
	refuse_peer(s, file, MAPS "  holder_types:\n  - {item: I, theirs: A, ours: B}\n",
	            "maps.holder_types[0].item: unknown field");
	refuse_peer(s, file, MAPS "  materials:\n  - {theirs: A, ours: B}\n  - {theirs: A, ours: C}\n",
	            "510100.yaml:5: maps.materials[1].theirs: A stands there twice");
	refuse_peer(s, file, MAPS "  case_states:\n  - {theirs: A, ours: asleep}\n",
	            "510100.yaml:4: maps.case_states[0].ours: asleep is no state");
	refuse_peer(s, file,
	            MAPS "  certificate_types:\n  - {theirs: A, ours: B}\n  - {theirs: B, ours: C}\n",
	            "maps.certificate_types[1].theirs: B is also one of ours");
	refuse_peer(s, file, MAPS "  materials:\n  - {theirs: \"a\\tb\", ours: B}\n",
	            "control characters are not allowed");
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

/* b's certs/ca.pem with the CA of somebody else beside the honest one. */
static void two_anchors(struct scratch *s, bool honest_first)
{
	struct tb_buf both = {0};
	char other[96], honest[128];
	struct tb_buf pem[2] = {0};
	snprintf(other, sizeof(other), "%s/b2", s->root);
	if (!file_exists(other))
		init_node(other, "510100", NULL);
	snprintf(honest, sizeof(honest), "%s/certs/honest.pem", s->b);
	if (!file_exists(honest))
		assert_int_equal(rename(in(s, s->b, "certs/ca.pem"), honest), 0);
	assert_int_equal(file_read(&pem[honest_first ? 0 : 1], honest, 1 << 16, &s->err), TB_OK);
	assert_int_equal(
		file_read(&pem[honest_first ? 1 : 0], in(s, other, "certs/ca.pem"), 1 << 16, &s->err), TB_OK);
	for (int i = 0; i < 2; i++) {
		tb_buf_add(&both, pem[i].data, pem[i].size);
		tb_buf_clear(&pem[i]);
	}
	put(s, s->b, "certs/ca.pem", tb_buf_text(&both));
	tb_buf_clear(&both);
}

static void test_an_anchor_more_changes_the_fingerprint(void **state)
{
	struct scratch *s = *state;
	struct tb_buf text[3] = {0};
	struct config_peer_imported honest, imported, turned;
	export_b(s, &text[0]);
	assert_int_equal(import_text(s, &honest, tb_buf_text(&text[0]), false), TB_OK);
	assert_int_equal(honest.anchors.count, 1);

	two_anchors(s, true);
	export_b(s, &text[1]);
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text[1]), true), TB_OK);
	assert_int_equal(imported.anchors.count, 2);
	assert_string_not_equal(imported.anchors.fingerprint, honest.anchors.fingerprint);

	/* In another order they are the same anchors. */
	two_anchors(s, false);
	export_b(s, &text[2]);
	assert_int_equal(import_text(s, &turned, tb_buf_text(&text[2]), true), TB_OK);
	assert_string_equal(turned.anchors.fingerprint, imported.anchors.fingerprint);
	assert_string_not_equal(tb_buf_text(&text[2]), tb_buf_text(&text[1]));

	/* Added on the way, with the fingerprint left as it was. */
	char *digits = strstr((char *)(uintptr_t)tb_buf_text(&text[1]), "fingerprint: \"") +
	               strlen("fingerprint: \"");
	memcpy(digits, honest.anchors.fingerprint, strlen(honest.anchors.fingerprint));
	assert_int_equal(import_text(s, &imported, tb_buf_text(&text[1]), true), TB_EINVALID);
	assert_says(&s->err, "fingerprint: the anchors' is ");
	assert_says(&s->err, turned.anchors.fingerprint);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		tb_buf_clear(&text[i]);
}

static void test_peer_files_that_others_can_write_are_not_trusted(void **state)
{
	struct scratch *s = *state;
	static const char *const names[] = {"peers/510100.yaml", "peers/510100.pem"};
	struct peer_set *peers = NULL;
	import_b(s);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(chmod(in(s, s->a, names[i]), 0666), 0);
		assert_int_equal(load_peers(s, &peers), TB_EPERMISSIONS);
		assert_null(peers);
		assert_says(&s->err, names[i]);
		assert_says(&s->err, "run: chmod go-w '");
		assert_int_equal(chmod(in(s, s->a, names[i]), 0640), 0);
	}
	assert_int_equal(load_peers(s, &peers), TB_OK);
	peer_set_unref(peers);
}

/* Only root can give a file away. */
static void test_a_peer_file_of_another_user_is_not_trusted(void **state)
{
	struct scratch *s = *state;
	struct peer_set *peers = NULL;
	if (geteuid() != 0)
		skip();
	import_b(s);
	assert_int_equal(chown(in(s, s->a, "peers/510100.pem"), 65534, (gid_t)-1), 0);
	assert_int_equal(load_peers(s, &peers), TB_EPERMISSIONS);
	assert_says(&s->err, "peers/510100.pem: belongs to user 65534");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_NODES(test_export_and_import_give_a_peer_with_no_grants),
		WITH_NODES(test_peers_are_granted_what_the_file_says),
		WITH_NODES(test_peer_files_name_line_and_field),
		WITH_NODES(test_a_peers_codes_are_read_from_its_file),
		WITH_NODES(test_maps_of_codes_name_line_and_field),
		WITH_NODES(test_peer_files_are_held_to_their_region),
		WITH_NODES(test_peers_without_good_anchors_are_refused),
		WITH_NODES(test_empty_grants_grant_nothing),
		WITH_NODES(test_import_again_keeps_grants_and_moves_the_endpoint),
		WITH_NODES(test_import_of_other_anchors_must_be_forced),
		WITH_NODES(test_import_refuses_what_does_not_fit),
		WITH_NODES(test_a_fingerprint_of_another_key_is_refused),
		WITH_NODES(test_an_anchor_more_changes_the_fingerprint),
		WITH_NODES(test_peer_files_that_others_can_write_are_not_trusted),
		WITH_NODES(test_a_peer_file_of_another_user_is_not_trusted),
		WITH_NODES(test_remove_takes_the_peer_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
