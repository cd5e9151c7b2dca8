#include "chain_fixture.h"

static const enum pki_suite suites[] = {PKI_P256, PKI_ED25519};

/* ---- good chains */

static void assert_is(const struct pki_identity *identity, const struct party *leaf, enum pki_role role)
{
	uint8_t keyid[PKI_HASH_BYTES];
	struct tb_buf signature = {0};
	assert_string_equal(identity->region, REGION_A);
	assert_int_equal(identity->role, role);
	assert_string_equal(identity->issuer, role == PKI_ROLE_SEAL ? "11320400014109533M" : "");
	assert_int_equal(identity->valid_from, FROM);
	assert_int_equal(identity->valid_until, UNTIL);
	assert_int_equal(pki_cert_fingerprint(keyid, tb_buf_bytes(&leaf->der), NULL), TB_OK);
	assert_memory_equal(identity->keyid, keyid, sizeof(keyid));
	assert_int_equal(pki_sign(leaf->key, tb_bytes_str("text"), &signature, NULL), TB_OK);
	assert_int_equal(pki_verify(identity, tb_bytes_str("text"), tb_buf_bytes(&signature), NULL), TB_OK);
	assert_int_equal(pki_verify(identity, tb_bytes_str("Text"), tb_buf_bytes(&signature), NULL),
	                 TB_EUNTRUSTED);
	tb_buf_clear(&signature);
}

static void test_chain_of_any_suites_and_role_is_taken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct pki_issue root_issue = issue_ca_of(REGION_A, "root");
		struct pki_issue middle_issue = issue_ca_of(REGION_A, "middle");
		struct party root = party_issue(NULL, suites[i & 1], &root_issue);
		struct party middle = party_issue(&root, suites[(i >> 1) & 1], &middle_issue);
		struct pki_trust *trust = trust_of(&root, NULL);
		for (int role = PKI_ROLE_NODE; role <= PKI_ROLE_SEAL; role++) {
			struct pki_issue issue = issue_of(REGION_A, (enum pki_role)role);
			struct party leaf = party_issue(&root, suites[i >> 2], &issue);
			struct party deep = party_issue(&middle, suites[i >> 2], &issue);
			assert_is(GOOD(trust, (enum pki_role)role, NOW, &leaf), &leaf, (enum pki_role)role);
			assert_is(GOOD(trust, (enum pki_role)role, NOW, &deep, &middle), &deep,
			          (enum pki_role)role);
			BAD(trust, (enum pki_role)role, NOW, TB_EUNTRUSTED, "issuer certificate", &deep);
			party_clear(&leaf);
			party_clear(&deep);
		}
		pki_trust_unref(trust);
		party_clear(&root);
		party_clear(&middle);
	}
}

static void test_chain_may_have_four_certificates_but_not_five(void **state)
{
	(void)state;
	struct pki_issue issue = issue_ca_of(REGION_A, "a");
	struct party root = party_ca(REGION_A);
	struct party a = party_issue(&root, PKI_P256, &issue);
	issue.common_name = "b";
	struct party b = party_issue(&a, PKI_P256, &issue);
	issue.common_name = "c";
	struct party c = party_issue(&b, PKI_P256, &issue);
	struct party leaf = party_leaf(&c, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&root, NULL);
	GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &c, &b, &a);

	struct tb_bytes chain[] = {tb_buf_bytes(&leaf.der), tb_buf_bytes(&c.der), tb_buf_bytes(&b.der),
	                           tb_buf_bytes(&a.der), tb_buf_bytes(&root.der)};
	const struct pki_identity *identity = NULL;
	struct tb_buf pem = {0};
	assert_int_equal(pki_chain_check(&identity, trust, chain, 5, PKI_ROLE_NODE, NOW, NULL),
	                 TB_EMALFORMED);
	assert_int_equal(pki_chain_check(&identity, trust, chain, 0, PKI_ROLE_NODE, NOW, NULL),
	                 TB_EMALFORMED);
	pki_chain_to_pem(&pem, chain, 5);
	assert_int_equal(pki_chain_check_pem(&identity, trust, tb_buf_bytes(&pem), PKI_ROLE_NODE, NOW, NULL),
	                 TB_EMALFORMED);
	assert_null(identity);
	tb_buf_clear(&pem);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&a);
	party_clear(&b);
	party_clear(&c);
	party_clear(&leaf);
}

static void test_chain_as_pem_is_the_same_chain(void **state)
{
	(void)state;
	struct pki_issue issue = issue_ca_of(REGION_A, "middle");
	struct party root = party_ca(REGION_A);
	struct party middle = party_issue(&root, PKI_ED25519, &issue);
	struct party leaf = party_leaf(&middle, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&root, NULL);
	struct tb_buf pem = {0};
	const struct pki_identity *identity = NULL;
	tb_buf_add(&pem, leaf.pem.data, leaf.pem.size);
	tb_buf_add(&pem, middle.pem.data, middle.pem.size);
	assert_int_equal(pki_chain_check_pem(&identity, trust, tb_buf_bytes(&pem), PKI_ROLE_NODE, NOW, NULL),
	                 TB_OK);
	assert_ptr_equal(identity, GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &middle));
	assert_int_equal(
		pki_chain_check_pem(&identity, trust, tb_bytes_str("no PEM"), PKI_ROLE_NODE, NOW, NULL),
		TB_EMALFORMED);
	assert_null(identity);
	tb_buf_clear(&pem);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&middle);
	party_clear(&leaf);
}

/* ---- regions */

static void test_region_without_anchors_is_refused(void **state)
{
	(void)state;
	struct party a = party_ca(REGION_A);
	struct party b = party_ca(REGION_B);
	struct party leaf = party_leaf(&b, REGION_B, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&a, NULL);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "region 310000 is not known", &leaf);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "region 310000 is not known", &leaf, &b);
	pki_trust_unref(trust);
	party_clear(&a);
	party_clear(&b);
	party_clear(&leaf);
}

/* The CA of another holder, with the same names in it. */
static void test_ca_that_only_looks_like_the_anchor_is_refused(void **state)
{
	(void)state;
	struct party good = party_ca(REGION_A);
	struct party fake = party_ca(REGION_A);
	struct party leaf = party_leaf(&fake, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&good, NULL);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "certificate", &leaf);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "certificate", &leaf, &fake);
	pki_trust_unref(trust);
	party_clear(&good);
	party_clear(&fake);
	party_clear(&leaf);
}

static void test_ca_of_one_region_never_speaks_for_another(void **state)
{
	(void)state;
	struct forgery open_ca = forgery_ca_of(NULL); /* neither SAN nor name constraints hold it back */
	struct party cas[] = {party_ca(REGION_A), forge(NULL, &open_ca)};
	struct party b = party_ca(REGION_B);
	for (size_t i = 0; i < 2; i++) {
		struct pki_trust *trust = trust_of(&cas[i], &b);
		struct party leaf = party_leaf(&cas[i], REGION_B, PKI_ROLE_MESSAGE);
		struct pki_issue issue = issue_ca_of(REGION_B, "middle");
		struct party middle = party_issue(&cas[i], PKI_P256, &issue);
		struct party deep = party_leaf(&middle, REGION_B, PKI_ROLE_MESSAGE);
		struct party own = party_leaf(&middle, REGION_A, PKI_ROLE_MESSAGE);
		BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "issuer certificate", &leaf);
		BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "certificate 1", &leaf, &cas[i]);
		BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "issuer certificate", &deep, &middle);
		BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "certificate", &deep, &middle, &cas[i]);
		/* Back to A by way of B. */
		BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "certificate", &own, &middle);
		pki_trust_unref(trust);
		party_clear(&leaf);
		party_clear(&middle);
		party_clear(&deep);
		party_clear(&own);
	}
	party_clear(&cas[0]);
	party_clear(&cas[1]);
	party_clear(&b);
}

static void test_intermediate_may_name_only_its_region(void **state)
{
	(void)state;
	struct forgery open_ca = forgery_ca_of(NULL);
	struct party root = forge(NULL, &open_ca);
	struct pki_trust *trust = trust_of(&root, NULL);
	static const struct {
		const char *uri;
		bool good;
	} rows[] = {{NULL, true},
	            {"spiffe://" REGION_A, true},
	            {"spiffe://" REGION_A "/", false},
	            {"spiffe://" REGION_B, false},
	            {"SPIFFE://" REGION_A, false},
	            {"spiffe://" REGION_A "/node", false},
	            {"spiffe://32040", false},
	            {"spiffe://*", false},
	            {"https://" REGION_A, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery = forgery_ca_of(rows[i].uri);
		forgery.common_name = "middle";
		struct party middle = forge(&root, &forgery);
		struct party leaf = party_leaf(&middle, REGION_A, PKI_ROLE_SEAL);
		if (rows[i].good)
			GOOD(trust, PKI_ROLE_SEAL, NOW, &leaf, &middle);
		else
			BAD(trust, PKI_ROLE_SEAL, NOW, TB_EUNTRUSTED, "names another region", &leaf, &middle);
		party_clear(&middle);
		party_clear(&leaf);
	}
	struct forgery both = forgery_ca_of("spiffe://" REGION_A);
	both.uris[1] = tb_bytes_str("spiffe://" REGION_B);
	both.uris_count = 2;
	both.common_name = "middle";
	struct party middle = forge(&root, &both);
	struct party leaf = party_leaf(&middle, REGION_A, PKI_ROLE_SEAL);
	BAD(trust, PKI_ROLE_SEAL, NOW, TB_EUNTRUSTED, "names another region", &leaf, &middle);
	party_clear(&middle);
	party_clear(&leaf);
	pki_trust_unref(trust);
	party_clear(&root);
}

/* OpenSSL's own rule holds with a host of digits only. */
static void test_name_constraints_are_honoured(void **state)
{
	(void)state;
	static const struct {
		const char *constraints;
		bool good;
	} rows[] = {{"critical,permitted;URI:" REGION_A, true},
	            {"critical,permitted;URI:" REGION_B, false},
	            {"critical,permitted;URI:." REGION_A, false},
	            {"critical,excluded;URI:" REGION_A, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery = forgery_ca_of(NULL);
		forgery.constraints = rows[i].constraints;
		struct party root = forge(NULL, &forgery);
		struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
		struct pki_trust *trust = trust_of(&root, NULL);
		if (rows[i].good)
			GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
		else
			BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "subtree violation", &leaf);
		pki_trust_unref(trust);
		party_clear(&root);
		party_clear(&leaf);
	}
}

/* ---- the leaf's name */

static void test_leaf_with_an_odd_name_is_refused(void **state)
{
	(void)state;
	char big[TB_ID_BYTES_MAX + 40] = "spiffe://" REGION_A "/seal/";
	size_t start = strlen(big);
	memset(big + start, 'a', TB_ID_BYTES_MAX + 1);
	const char *const uris[] = {
		"",
		"spiffe://",
		"spiffe://" REGION_A,
		"spiffe://" REGION_A "/",
		"SPIFFE://" REGION_A "/node",
		"Spiffe://" REGION_A "/node",
		"spiffe:/" REGION_A "/node",
		"https://" REGION_A "/node",
		" spiffe://" REGION_A "/node",
		"spiffe://" REGION_A "/node ",
		"spiffe://" REGION_A "/Node",
		"spiffe://" REGION_A "/nodes",
		"spiffe://" REGION_A "/node/",
		"spiffe://" REGION_A "/node/message",
		"spiffe://" REGION_A "//node",
		"spiffe:///" REGION_A "/node",
		"spiffe://" REGION_A ":443/node",
		"spiffe://" REGION_A "/node?x=1",
		"spiffe://" REGION_A "/node#x",
		"spiffe://x@" REGION_A "/node",
		"spiffe://" REGION_B "@" REGION_A "/node",
		"spiffe://32040%30/node",
		"spiffe://" REGION_A "/%6eode",
		"spiffe://*/node",
		"spiffe://3204*/node",
		"spiffe://" REGION_A "/*",
		"spiffe://32040/node",
		"spiffe://3204000/node",
		"spiffe://" REGION_A "./node",
		"spiffe://" REGION_A "/./node",
		"spiffe://" REGION_A "/messages",
		"spiffe://" REGION_A "/seal",
		"spiffe://" REGION_A "/seal/",
		"spiffe://" REGION_A "/seal/.",
		"spiffe://" REGION_A "/seal/..",
		"spiffe://" REGION_A "/seal/a/b",
		"spiffe://" REGION_A "/seal/a/",
		"spiffe://" REGION_A "/seal/a%2fb",
		"spiffe://" REGION_A "/seal/*",
		"spiffe://" REGION_A "/seal/a b",
		"spiffe://" REGION_A "/seal/\xe5\xb1\x80",
		big,
	};
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct pki_issue issue = issue_of(REGION_A, PKI_ROLE_NODE);
		issue.uri_override = uris[i];
		struct party leaf = party_issue(&root, PKI_P256, &issue);
		for (int role = PKI_ROLE_NODE; role <= PKI_ROLE_SEAL; role++)
			BAD(trust, (enum pki_role)role, NOW, TB_EUNTRUSTED, "URI name is not", &leaf);
		party_clear(&leaf);
	}
	/* One byte less fits. */
	big[start + TB_ID_BYTES_MAX] = '\0';
	struct pki_issue issue = issue_of(REGION_A, PKI_ROLE_SEAL);
	issue.uri_override = big;
	struct party leaf = party_issue(&root, PKI_P256, &issue);
	assert_string_equal(GOOD(trust, PKI_ROLE_SEAL, NOW, &leaf)->issuer, big + start);
	party_clear(&leaf);
	pki_trust_unref(trust);
	party_clear(&root);
}

static void test_leaf_with_nul_in_its_name_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t size;
	} rows[] = {
		{"spiffe://320400/node\0", 21},    {"spiffe://320400/node\0.310000", 28},
		{"spiffe://320400/seal/a\0b", 24}, {"spiffe://320400\0/node", 21},
		{"spiffe://320400/seal/a\0", 23},  {"\0spiffe://320400/node", 21},
	};
	struct forgery open_ca = forgery_ca_of(NULL);
	struct party root = forge(NULL, &open_ca);
	struct pki_trust *trust = trust_of(&root, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery = forgery_of("");
		forgery.uris[0] = tb_bytes_of(rows[i].text, rows[i].size);
		struct party leaf = forge(&root, &forgery);
		for (int role = PKI_ROLE_NODE; role <= PKI_ROLE_SEAL; role++)
			BAD(trust, (enum pki_role)role, NOW, TB_EUNTRUSTED, "URI name is not", &leaf);
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

static void test_leaf_must_have_exactly_one_uri(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	struct forgery none = forgery_of(NULL);
	none.common_name = "spiffe://" REGION_A "/node";
	struct forgery two = forgery_of("spiffe://" REGION_A "/node");
	two.uris[1] = tb_bytes_str("spiffe://" REGION_A "/message");
	two.uris_count = 2;
	struct forgery same = two;
	same.uris[1] = same.uris[0];
	struct forgery twice = forgery_of("spiffe://" REGION_A "/node");
	twice.twice = true;
	const struct forgery *const rows[] = {&none, &two, &same, &twice};
	static const char *const texts[] = {"0 URI names", "2 URI names", "2 URI names", "are broken"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct party leaf = forge(&root, rows[i]);
		BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, texts[i], &leaf);
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

static void test_role_is_the_one_asked_for(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	for (int is = PKI_ROLE_NODE; is <= PKI_ROLE_SEAL; is++) {
		struct party leaf = party_leaf(&root, REGION_A, (enum pki_role)is);
		GOOD(trust, (enum pki_role)is, NOW, &leaf);
		for (int asked = PKI_ROLE_NODE; asked <= PKI_ROLE_SEAL; asked++) {
			if (asked != is)
				BAD(trust, (enum pki_role)asked, NOW, TB_EUNTRUSTED, "role is", &leaf);
		}
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

/* ---- uses and suites */

static void test_leaf_of_the_wrong_use_is_refused(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	static const struct {
		const char *basic;
		const char *usage;
		const char *extended;
		const char *text; /* NULL: good */
	} rows[] = {
		{"critical,CA:FALSE", "critical,digitalSignature", NULL, NULL},
		{NULL, "critical,digitalSignature,nonRepudiation", "clientAuth,serverAuth", NULL},
		{"critical,CA:FALSE", NULL, NULL, "not digitalSignature"},
		{"critical,CA:FALSE", "critical,keyAgreement", NULL, "not digitalSignature"},
		{"critical,CA:TRUE", "critical,digitalSignature,keyCertSign", NULL, "a CA"},
		{"critical,CA:FALSE", "critical,digitalSignature,cRLSign", NULL, "a CA"},
		{"critical,CA:TRUE", "critical,digitalSignature", NULL, "a CA"},
		{"critical,CA:FALSE", "critical,digitalSignature", "serverAuth", "not for server and client"},
		{"critical,CA:FALSE", "critical,digitalSignature", "codeSigning",
	         "not for server and client"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery = forgery_of("spiffe://" REGION_A "/node");
		forgery.basic = rows[i].basic;
		forgery.usage = rows[i].usage;
		forgery.extended = rows[i].extended;
		struct party leaf = forge(&root, &forgery);
		if (rows[i].text)
			BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, rows[i].text, &leaf);
		else
			GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

static void test_leaf_cannot_issue(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_MESSAGE);
	struct party child = party_leaf(&leaf, REGION_A, PKI_ROLE_MESSAGE);
	struct forgery no_sign = forgery_ca_of("spiffe://" REGION_A);
	no_sign.usage = "critical,cRLSign";
	struct party idle = forge(&root, &no_sign);
	struct party other = party_leaf(&idle, REGION_A, PKI_ROLE_MESSAGE);
	struct pki_trust *trust = trust_of(&root, NULL);
	BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "certificate", &child, &leaf);
	BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "certificate", &other, &idle);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&leaf);
	party_clear(&child);
	party_clear(&idle);
	party_clear(&other);
}

static void test_keys_of_other_suites_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		const char *group;
	} rows[] = {{"RSA", NULL}, {"EC", "P-384"}, {"EC", "secp256k1"}, {"EC", "SM2"}};
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery = forgery_of("spiffe://" REGION_A "/node");
		forgery.pkey_type = rows[i].type;
		forgery.pkey_group = rows[i].group;
		struct party leaf = forge(&root, &forgery);
		BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "neither P-256 nor Ed25519", &leaf);
		party_clear(&leaf);

		struct tb_error err = {0};
		struct forgery ca_forgery = forgery_ca_of(NULL);
		ca_forgery.pkey_type = rows[i].type;
		ca_forgery.pkey_group = rows[i].group;
		struct party ca = forge(NULL, &ca_forgery);
		assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&ca.pem), &err), TB_EUNTRUSTED);
		assert_non_null(strstr(err.text, "neither P-256 nor Ed25519"));
		party_clear(&ca);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

/* Signs |leaf| with a CA key of another suite than the intermediate's certificate may show. */
static void test_intermediate_of_another_suite_is_refused(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct party middle = {0};
	struct forgery forgery = forgery_ca_of("spiffe://" REGION_A);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	X509 *root_cert = NULL;
	assert_int_equal(pki_x509_parse(&root_cert, tb_buf_bytes(&root.der), 0, NULL), TB_OK);
	X509 *middle_cert = forge_begin(pkey, root_cert, &forgery);
	assert_true(X509_sign(middle_cert, pki_key_pkey(root.key), EVP_sha256()) > 0);

	struct party leaf = {0};
	struct forgery leaf_forgery = forgery_of("spiffe://" REGION_A "/node");
	EVP_PKEY *leaf_pkey = forge_pkey(&leaf, &leaf_forgery);
	X509 *leaf_cert = forge_begin(leaf_pkey, middle_cert, &leaf_forgery);
	assert_true(X509_sign(leaf_cert, pkey, EVP_sha256()) > 0);
	uint8_t *der = NULL;
	int size = i2d_X509(middle_cert, &der);
	tb_buf_add(&middle.der, der, (size_t)size);
	OPENSSL_free(der);
	der = NULL;
	size = i2d_X509(leaf_cert, &der);
	tb_buf_add(&leaf.der, der, (size_t)size);
	OPENSSL_free(der);

	struct pki_trust *trust = trust_of(&root, NULL);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "certificate 1: its key is neither", &leaf, &middle);
	pki_trust_unref(trust);
	X509_free(leaf_cert);
	X509_free(middle_cert);
	X509_free(root_cert);
	EVP_PKEY_free(leaf_pkey);
	EVP_PKEY_free(pkey);
	party_clear(&leaf);
	party_clear(&middle);
	party_clear(&root);
}

static void test_signature_with_another_digest_than_the_suites_is_refused(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct pki_trust *trust = trust_of(&root, NULL);
	const EVP_MD *const mds[] = {EVP_sha1(), EVP_sha384(), EVP_sha512()};
	for (size_t i = 0; i < sizeof(mds) / sizeof(mds[0]); i++) {
		struct forgery forgery = forgery_of("spiffe://" REGION_A "/node");
		forgery.md = mds[i];
		struct party leaf = forge(&root, &forgery);
		BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "certificate 0", &leaf);
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	party_clear(&root);
}

/* ---- time */

static void test_certificates_hold_from_their_first_to_their_last_moment(void **state)
{
	(void)state;
	/* Which certificate has the short life: the leaf, the intermediate, the anchor. */
	for (int i = 0; i < 3; i++) {
		struct pki_issue issues[3] = {issue_of(REGION_A, PKI_ROLE_MESSAGE),
		                              issue_ca_of(REGION_A, "middle"), issue_ca_of(REGION_A, "root")};
		issues[i].valid_from = NOW - TB_DAY;
		issues[i].valid_until = NOW + TB_DAY;
		struct party root = party_issue(NULL, PKI_P256, &issues[2]);
		struct party middle = party_issue(&root, PKI_P256, &issues[1]);
		struct party leaf = party_issue(&middle, PKI_P256, &issues[0]);
		static const struct {
			tb_time at;
			bool good;
		} rows[] = {{0, false},
		            {-1, false},
		            {NOW - TB_DAY - 1, false},
		            {NOW - TB_DAY, true},
		            {NOW, true},
		            {NOW + TB_DAY - 1, true},
		            {NOW + TB_DAY, false},
		            {INT64_MAX, false}};
		/* The second round finds the chain in the cache. */
		struct pki_trust *cached = trust_of(&root, NULL);
		for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(rows[0]); k++) {
			size_t row = k % (sizeof(rows) / sizeof(rows[0]));
			struct pki_trust *fresh = trust_of(&root, NULL);
			struct pki_trust *trusts[] = {fresh, cached};
			for (size_t t = 0; t < 2; t++) {
				if (rows[row].good)
					GOOD(trusts[t], PKI_ROLE_MESSAGE, rows[row].at, &leaf, &middle);
				else
					BAD(trusts[t], PKI_ROLE_MESSAGE, rows[row].at, TB_EEXPIRED,
					    "certificate", &leaf, &middle);
			}
			pki_trust_unref(fresh);
		}
		pki_trust_unref(cached);
		party_clear(&root);
		party_clear(&middle);
		party_clear(&leaf);
	}
}

static void test_renewed_anchor_takes_over_where_the_old_one_ends(void **state)
{
	(void)state;
	struct pki_issue issue = issue_ca_of(REGION_A, "root");
	issue.valid_until = NOW + TB_DAY;
	struct party root = party_issue(NULL, PKI_P256, &issue);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct tb_buf renewed = {0};
	issue.valid_from = NOW;
	issue.valid_until = UNTIL;
	assert_int_equal(pki_issue_ca(&renewed, root.key, &issue, NULL), TB_OK);
	struct pki_trust *trust = trust_of(&root, NULL);
	assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&renewed), NULL), TB_OK);
	const struct pki_identity *identity = GOOD(trust, PKI_ROLE_NODE, NOW - 1, &leaf);
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW + 2 * TB_DAY, &leaf), identity);
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW - 1, &leaf), identity);
	BAD(trust, PKI_ROLE_NODE, UNTIL, TB_EEXPIRED, "expired", &leaf);
	tb_buf_clear(&renewed);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&leaf);
}

/* ---- form */

static void assert_der_refused(struct pki_trust *trust, struct tb_bytes der)
{
	struct tb_error err = {0};
	const struct pki_identity *identity = NULL;
	assert_int_equal(pki_chain_check(&identity, trust, &der, 1, PKI_ROLE_NODE, NOW, &err), TB_EMALFORMED);
	assert_int_equal(err.code, TB_EMALFORMED);
	assert_null(identity);
}

static void test_chain_refuses_what_is_not_der(void **state)
{
	(void)state;
	static const uint8_t zero[TB_CERT_BYTES_MAX + 1];
	struct party root = party_ca(REGION_A);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&root, NULL);
	struct tb_buf der = {0};
	assert_der_refused(trust, tb_bytes_str("garbage"));
	assert_der_refused(trust, tb_bytes_of(zero, 0));
	assert_der_refused(trust, tb_bytes_of(zero, 100));
	assert_der_refused(trust, tb_bytes_of(zero, TB_CERT_BYTES_MAX + 1));
	assert_der_refused(trust, tb_buf_bytes(&leaf.pem));
	for (size_t size = 0; size < leaf.der.size; size++)
		assert_der_refused(trust, tb_bytes_of(leaf.der.data, size));

	tb_buf_add(&der, leaf.der.data, leaf.der.size);
	tb_buf_add(&der, "x", 1);
	assert_der_refused(trust, tb_buf_bytes(&der));

	/* The same certificate with the length of its frame written in three bytes instead of two: BER. */
	assert_int_equal(leaf.der.data[1], 0x82);
	const uint8_t frame[] = {0x30, 0x83, 0x00, leaf.der.data[2], leaf.der.data[3]};
	der.size = 0;
	tb_buf_add(&der, frame, sizeof(frame));
	tb_buf_add(&der, leaf.der.data + 4, leaf.der.size - 4);
	assert_der_refused(trust, tb_buf_bytes(&der));

	/* The second certificate is held to the same. */
	struct party broken = {0};
	tb_buf_add(&broken.der, root.der.data, root.der.size - 1);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EMALFORMED, "certificate 1", &leaf, &broken);
	GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &root);
	broken.der.size = 0;
	tb_buf_add(&broken.der, leaf.der.data, leaf.der.size);
	tb_buf_add(&broken.der, "xy", 2);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EMALFORMED, "2 bytes left over", &broken);
	party_clear(&broken);
	tb_buf_clear(&der);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&leaf);
}

static void test_chain_refuses_every_changed_byte_of_a_leaf(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&root, NULL);
	GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
	for (size_t i = 0; i < leaf.der.size; i++) {
		const struct pki_identity *identity = NULL;
		struct tb_bytes der = tb_buf_bytes(&leaf.der);
		leaf.der.data[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_not_equal(pki_chain_check(&identity, trust, &der, 1, PKI_ROLE_NODE, NOW, NULL),
		                     TB_OK);
		assert_null(identity);
		leaf.der.data[i] ^= (uint8_t)(1u << (i % 8));
	}
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain_of_any_suites_and_role_is_taken),
		cmocka_unit_test(test_chain_may_have_four_certificates_but_not_five),
		cmocka_unit_test(test_chain_as_pem_is_the_same_chain),
		cmocka_unit_test(test_region_without_anchors_is_refused),
		cmocka_unit_test(test_ca_that_only_looks_like_the_anchor_is_refused),
		cmocka_unit_test(test_ca_of_one_region_never_speaks_for_another),
		cmocka_unit_test(test_intermediate_may_name_only_its_region),
		cmocka_unit_test(test_name_constraints_are_honoured),
		cmocka_unit_test(test_leaf_with_an_odd_name_is_refused),
		cmocka_unit_test(test_leaf_with_nul_in_its_name_is_refused),
		cmocka_unit_test(test_leaf_must_have_exactly_one_uri),
		cmocka_unit_test(test_role_is_the_one_asked_for),
		cmocka_unit_test(test_leaf_of_the_wrong_use_is_refused),
		cmocka_unit_test(test_leaf_cannot_issue),
		cmocka_unit_test(test_keys_of_other_suites_are_refused),
		cmocka_unit_test(test_intermediate_of_another_suite_is_refused),
		cmocka_unit_test(test_signature_with_another_digest_than_the_suites_is_refused),
		cmocka_unit_test(test_certificates_hold_from_their_first_to_their_last_moment),
		cmocka_unit_test(test_renewed_anchor_takes_over_where_the_old_one_ends),
		cmocka_unit_test(test_chain_refuses_what_is_not_der),
		cmocka_unit_test(test_chain_refuses_every_changed_byte_of_a_leaf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
