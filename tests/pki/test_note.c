#include "pki/note.h"

#include "pki/pki_priv.h"
#include "tests/pki/region.h"

static struct region a;
static struct region b;
static struct pki_trust *trust;
static const struct pki_identity *signer_a;
static const struct pki_identity *signer_b;

static const struct pki_identity *identity(const struct region *region)
{
	struct tb_error err = {0};
	const struct pki_identity *out = NULL;
	assert_int_equal(pki_chain_check(&out, trust, region->message.chain, region->message.chain_count,
	                                 PKI_ROLE_MESSAGE, NOW, &err),
	                 TB_OK);
	return out;
}

static int set_up(void **state, enum pki_suite suite)
{
	(void)state;
	region_init(&a, "320400", suite);
	region_init(&b, "330100", suite);
	trust = pki_trust_new();
	region_trust(trust, &a);
	region_trust(trust, &b);
	signer_a = identity(&a);
	signer_b = identity(&b);
	return 0;
}

static int set_up_p256(void **state)
{
	return set_up(state, PKI_P256);
}

static int set_up_ed25519(void **state)
{
	return set_up(state, PKI_ED25519);
}

static int tear_down(void **state)
{
	(void)state;
	pki_trust_unref(trust);
	region_clear(&b);
	region_clear(&a);
	return 0;
}

static struct pki_checkpoint checkpoint_of(const char *origin, uint64_t size)
{
	struct pki_checkpoint out = {.size = size};
	strcpy(out.origin, origin);
	for (size_t i = 0; i < PKI_HASH_BYTES; i++)
		out.root.bytes[i] = (uint8_t)(i * 7);
	return out;
}

static struct tb_buf signed_note(const char *origin, uint64_t size, const struct pki_key *key)
{
	struct tb_error err = {0};
	struct tb_buf note = {0};
	struct pki_checkpoint checkpoint = checkpoint_of(origin, size);
	assert_int_equal(pki_note_sign(&note, &checkpoint, key, &err), TB_OK);
	return note;
}

/* A note with any text, signed as the text's owner would: what a forger with a good key can make. */
static struct tb_buf signed_text(const char *text, const struct region *region)
{
	struct tb_error err = {0};
	struct tb_buf like = signed_note("tongban/320400", 1, region->message.key);
	struct tb_buf signature = {0};
	struct tb_buf note = {0};
	/* The key id is that of a sound note. */
	const char *line = strstr(tb_buf_text(&like), "\n\n");
	assert_non_null(line);
	line = strrchr(line, ' ') + 1;
	assert_true(tb_unbase64(&signature, line, strlen(line) - 1));
	signature.size = 4;
	assert_int_equal(pki_sign(region->message.key, tb_bytes_str(text), &signature, &err), TB_OK);
	tb_buf_printf(&note, "%s\n\xe2\x80\x94 tongban/320400 ", text);
	tb_base64(&note, tb_buf_bytes(&signature));
	tb_buf_str(&note, "\n");
	tb_buf_clear(&signature);
	tb_buf_clear(&like);
	return note;
}

static void assert_note_refused(struct tb_bytes note, const struct pki_identity *signer, enum tb_code code,
                                const char *text)
{
	struct tb_error err = {0};
	struct pki_checkpoint out;
	enum tb_code got = pki_note_check(&out, note, signer, &err);
	if (got != code || !strstr(err.text, text))
		print_message("%s: %s\n", tb_code_name(got), err.text);
	assert_int_equal(got, code);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(out.size, 0);
	assert_string_equal(out.origin, "");
}

static void assert_checkpoint(struct tb_bytes note, const struct pki_identity *signer,
                              const struct pki_checkpoint *want)
{
	struct tb_error err = {0};
	struct pki_checkpoint out;
	assert_int_equal(pki_note_check(&out, note, signer, &err), TB_OK);
	assert_string_equal(out.origin, want->origin);
	assert_int_equal(out.size, want->size);
	assert_memory_equal(&out.root, &want->root, sizeof(out.root));
}

static void test_note_arrives_as_it_was_signed(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {0, 1, 10, 1000000007, UINT64_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tb_buf note = signed_note("tongban/320400", sizes[i], a.message.key);
		struct pki_checkpoint want = checkpoint_of("tongban/320400", sizes[i]);
		assert_checkpoint(tb_buf_bytes(&note), signer_a, &want);
		tb_buf_clear(&note);
	}
}

static void test_note_has_the_form_of_c2sp(void **state)
{
	(void)state;
	static const char start[] = "tongban/320400\n42\nAAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\n\n"
				    "\xe2\x80\x94 tongban/320400 ";
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	const char *text = tb_buf_text(&note);
	assert_memory_equal(text, start, sizeof(start) - 1);
	assert_int_equal(text[note.size - 1], '\n');
	assert_null(strchr(text + sizeof(start) - 1, ' '));
	tb_buf_clear(&note);
}

/* signed-note, "Ed25519 signatures": SHA-256(name || 0x0A || 0x01 || key), the first four bytes. */
static void ed25519_id(uint8_t id[4], const char *name, const uint8_t key[32])
{
	uint8_t digest[PKI_HASH_BYTES];
	struct tb_buf message = {0};
	tb_buf_printf(&message, "%s\n\x01", name);
	tb_buf_add(&message, key, 32);
	pki_sha256(digest, tb_buf_bytes(&message));
	memcpy(id, digest, 4);
	tb_buf_clear(&message);
}

static void test_note_key_id_is_that_of_c2sp(void **state)
{
	(void)state;
	static const uint8_t known[4] = {0x53, 0x0d, 0x90, 0x3a};
	static const char vkey[] = "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	uint8_t want[4];
	struct tb_buf bytes = {0};
	/* The formula itself is held against the example of signed-note, "Verifier keys". */
	assert_true(tb_unbase64(&bytes, vkey, strlen(vkey)));
	assert_int_equal(bytes.size, 33);
	ed25519_id(want, "example.com/foo", bytes.data + 1);
	assert_memory_equal(want, known, 4);

	bytes.size = 0;
	pki_key_spki(a.message.key, &bytes);
	if (pki_key_suite(a.message.key) == PKI_P256)
		memcpy(want, signer_a->keyid, 4); /* SHA-256 of the SubjectPublicKeyInfo */
	else
		ed25519_id(want, "tongban/320400", bytes.data + bytes.size - 32);
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	const char *line = strrchr(tb_buf_text(&note), ' ') + 1;
	bytes.size = 0;
	assert_true(tb_unbase64(&bytes, line, strlen(line) - 1));
	assert_memory_equal(bytes.data, want, 4);
	tb_buf_clear(&bytes);
	tb_buf_clear(&note);
}

static void test_note_refuses_every_changed_byte(void **state)
{
	(void)state;
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	for (size_t i = 0; i < note.size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct pki_checkpoint out;
			note.data[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(pki_note_check(&out, tb_buf_bytes(&note), signer_a, NULL),
			                     TB_OK);
			note.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	tb_buf_clear(&note);
}

static void test_note_refuses_every_cut(void **state)
{
	(void)state;
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	for (size_t size = 0; size < note.size; size++) {
		struct pki_checkpoint out;
		uint8_t *cut = tb_alloc(size);
		memcpy(cut, note.data, size);
		assert_int_not_equal(pki_note_check(&out, tb_bytes_of(cut, size), signer_a, NULL), TB_OK);
		free(cut);
	}
	tb_buf_clear(&note);
}

static void test_note_refuses_other_keys(void **state)
{
	(void)state;
	struct tb_buf note = signed_note("tongban/320400", 42, b.message.key);
	assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EUNTRUSTED, "no signature of the log's key");
	/* Its own key, but the name of another region's log. */
	assert_note_refused(tb_buf_bytes(&note), signer_b, TB_EUNTRUSTED,
	                    "of another log than region 330100's");
	tb_buf_clear(&note);
	note = signed_note("320400", 42, a.message.key);
	assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EUNTRUSTED, "of another log");
	tb_buf_clear(&note);
}

static void test_note_refuses_signed_texts_that_are_no_checkpoint(void **state)
{
	(void)state;
#define ROOT "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\n"
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{"\n42\n" ROOT, "the first line"},
		{"tongban/320400 x\n42\n" ROOT, "the first line"},
		{"tongban+x/320400\n42\n" ROOT, "the first line"},
		{"tongban/0123456789012345678901234567890123456789012345678901234567890123/320400\n42\n" ROOT,
	         "the first line"},
		{"tongban/320400\n\n" ROOT, "the second line"},
		{"tongban/320400\n042\n" ROOT, "the second line"},
		{"tongban/320400\n-42\n" ROOT, "the second line"},
		{"tongban/320400\n+42\n" ROOT, "the second line"},
		{"tongban/320400\n42 \n" ROOT, "the second line"},
		{"tongban/320400\n18446744073709551616\n" ROOT, "the second line"},
		{"tongban/320400\n99999999999999999999999\n" ROOT, "the second line"},
		{"tongban/320400\n42\n", "the third line"},
		{"tongban/320400\n42\nAAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL\n", "the third line"},
		{"tongban/320400\n42\n!AcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\n", "the third line"},
		{"tongban/320400\n42\n" ROOT "\nmore\n", "an empty line"},
		{"tongban/320400\n42\n" ROOT "tab\there\n", "a control character"},
		{"tongban/320400\r\n42\n" ROOT, "a control character"},
		{"tongban/320400\n42\n" ROOT "\xff\n", "not UTF-8"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tb_buf note = signed_text(rows[i].text, &a);
		assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EMALFORMED, rows[i].why);
		tb_buf_clear(&note);
	}
}

static void test_note_passes_over_extension_lines(void **state)
{
	(void)state;
	struct pki_checkpoint want = checkpoint_of("tongban/320400", 42);
	struct tb_buf note = signed_text("tongban/320400\n42\n" ROOT "what others may add\n", &a);
	assert_checkpoint(tb_buf_bytes(&note), signer_a, &want);
	tb_buf_clear(&note);
}

static const char *signature_lines(struct tb_buf *note)
{
	const char *blank = strstr(tb_buf_text(note), "\n\n");
	assert_non_null(blank);
	return blank + 2;
}

static void test_note_passes_over_other_signatures(void **state)
{
	(void)state;
	struct pki_checkpoint want = checkpoint_of("tongban/320400", 42);
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	struct tb_buf witness = signed_note("tongban/330100", 42, b.message.key);
	struct tb_buf same_name = signed_note("tongban/320400", 42, b.message.key);
	for (size_t i = 0; i < 8; i++) {
		tb_buf_str(&note, signature_lines(&witness));
		tb_buf_str(&note, signature_lines(&same_name));
	}
	assert_checkpoint(tb_buf_bytes(&note), signer_a, &want);
	tb_buf_clear(&same_name);
	tb_buf_clear(&witness);
	tb_buf_clear(&note);
}

/* What says that it is the log's own must hold, and be there once. */
static void test_note_refuses_own_signatures_that_are_false_or_many(void **state)
{
	(void)state;
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	struct tb_buf other = signed_note("tongban/320400", 43, a.message.key);
	struct tb_buf own = signed_note("tongban/320400", 42, a.message.key);
	size_t text_size = (size_t)(signature_lines(&note) - (const char *)note.data);
	note.size = text_size;
	tb_buf_str(&note, signature_lines(&other));
	assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EUNTRUSTED,
	                    "the log's signature does not hold");
	note.size = text_size;
	tb_buf_str(&note, signature_lines(&own));
	tb_buf_str(&note, signature_lines(&own));
	assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EMALFORMED, "two signatures of one key");
	tb_buf_clear(&own);
	tb_buf_clear(&other);
	tb_buf_clear(&note);
}

static void test_note_refuses_lines_that_are_no_signatures(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"- tongban/320400 AAAAAAAA\n",
		"\xe2\x80\x94tongban/320400 AAAAAAAA\n",
		"\xe2\x80\x94 \n",
		"\xe2\x80\x94  AAAAAAAA\n",
		"\xe2\x80\x94 tongban/320400\n",
		"\xe2\x80\x94 tongban/320400 \n",
		"\xe2\x80\x94 tongban/320400 AAAAAA==\n",
		"\xe2\x80\x94 tongban/320400 A*AAAAAA\n",
		"text\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
		tb_buf_str(&note, lines[i]);
		assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EMALFORMED, "not a signature");
		tb_buf_clear(&note);
	}
	struct tb_buf note = signed_note("tongban/320400", 42, a.message.key);
	tb_buf_str(&note, "no newline");
	assert_note_refused(tb_buf_bytes(&note), signer_a, TB_EMALFORMED, "cut off");
	tb_buf_clear(&note);
}

static void test_note_refuses_what_is_too_large(void **state)
{
	(void)state;
	uint8_t *large = tb_alloc(TB_NOTE_BYTES_MAX + 1);
	assert_note_refused(tb_bytes_of(large, TB_NOTE_BYTES_MAX + 1), signer_a, TB_ETOOBIG, "131073 bytes");
	memset(large, '\n', TB_NOTE_BYTES_MAX);
	assert_note_refused(tb_bytes_of(large, TB_NOTE_BYTES_MAX), signer_a, TB_EMALFORMED, "");
	assert_note_refused((struct tb_bytes){0}, signer_a, TB_EMALFORMED, "no empty line");
	free(large);
}

#define EACH_SUITE(test)                                                \
	{#test "/p256", test, set_up_p256, tear_down, NULL},            \
	{                                                               \
#test "/ed25519", test, set_up_ed25519, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_SUITE(test_note_arrives_as_it_was_signed),
		EACH_SUITE(test_note_has_the_form_of_c2sp),
		EACH_SUITE(test_note_key_id_is_that_of_c2sp),
		EACH_SUITE(test_note_refuses_every_changed_byte),
		EACH_SUITE(test_note_refuses_every_cut),
		EACH_SUITE(test_note_refuses_other_keys),
		EACH_SUITE(test_note_refuses_signed_texts_that_are_no_checkpoint),
		EACH_SUITE(test_note_passes_over_extension_lines),
		EACH_SUITE(test_note_passes_over_other_signatures),
		EACH_SUITE(test_note_refuses_own_signatures_that_are_false_or_many),
		EACH_SUITE(test_note_refuses_lines_that_are_no_signatures),
		EACH_SUITE(test_note_refuses_what_is_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
