#include "sim/tables.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/data.h"
#include "sim/random.h"
#include "sim/stub.h"

enum { IDENTITY_BUCKETS = 8192, PROVINCES = 100 };

static struct regions *regions;
static struct calendar *calendar;
static struct sim_identity *identities[IDENTITY_BUCKETS];

/* Long before and after anything that a world's clocks may show. */
static tb_time valid_from(void)
{
	return tb_day_start(tb_day_of(2020, 1, 1));
}

static tb_time valid_until(void)
{
	return tb_day_start(tb_day_of(2040, 1, 1));
}

const struct regions *sim_regions(void)
{
	if (!regions) {
		enum tb_code code =
			regions_parse(&regions, tb_bytes_of(data_regions, data_regions_size), NULL);
		assert(code == TB_OK);
	}
	return regions;
}

const struct calendar *sim_calendar(void)
{
	if (!calendar) {
		enum tb_code code =
			calendar_parse(&calendar, tb_bytes_of(data_workdays, data_workdays_size), NULL);
		assert(code == TB_OK);
	}
	return calendar;
}

void sim_region_named(const char *wanted, char *code, char *name, size_t room)
{
	size_t all = regions_count(sim_regions());
	snprintf(code, PKI_REGION_ROOM, "%.6s", wanted);
	snprintf(name, room, "%s", code);
	for (size_t i = 0; i < all; i++) {
		const char *found, *title;
		regions_at(regions, i, &found, &title);
		if (strncmp(found, wanted, 6) == 0)
			snprintf(name, room, "%s", title);
	}
}

void sim_region_at(size_t index, size_t count, char *code, char *name, size_t room)
{
	size_t all = regions_count(sim_regions());
	size_t row = count <= all ? index * all / count : index % all;
	size_t round = count <= all ? 0 : index / all;
	const char *found, *title;
	regions_at(regions, row, &found, &title);
	if (round == 0) {
		snprintf(code, PKI_REGION_ROOM, "%.6s", found);
		snprintf(name, room, "%s", title);
	} else {
		snprintf(code, PKI_REGION_ROOM, "%.4s%02zu", found, (round + 20) % 100);
		snprintf(name, room, "%s%zu区", title, round);
	}
}

/* ---- keys */

void sim_credential_make(struct sim_credential *out, const struct sim_identity *ca, const char *uri,
                         tb_time from, tb_time until, struct tb_arena *arena)
{
	struct tb_buf pem = {0};
	struct tb_error err = {0};
	struct pki_issue leaf = {.region = ca->code,
	                         .role = PKI_ROLE_MESSAGE,
	                         .common_name = "simulated",
	                         .valid_from = from,
	                         .valid_until = until,
	                         .uri_override = uri};
	*out = (struct sim_credential){0};
	enum tb_code code = pki_key_generate(&out->key, PKI_P256, &err);
	if (code == TB_OK)
		code = pki_issue_leaf(&pem, out->key, ca->ca, tb_buf_bytes(&ca->ca_pem), &leaf, &err);
	if (code == TB_OK)
		code = pki_pem_to_chain(out->chain, &out->chain_count, tb_buf_bytes(&pem), arena, &err);
	assert(code == TB_OK);
	tb_buf_clear(&pem);
}

void sim_credential_clear(struct sim_credential *credential)
{
	pki_key_free(credential->key);
	*credential = (struct sim_credential){0};
}

static void issue(struct sim_identity *identity, struct sim_credential *out, enum pki_role role)
{
	struct tb_buf pem = {0};
	struct tb_error err = {0};
	struct pki_issue leaf = {.region = identity->code,
	                         .role = role,
	                         .issuer = role == PKI_ROLE_SEAL ? identity->code : NULL,
	                         .common_name = "simulated",
	                         .valid_from = valid_from(),
	                         .valid_until = valid_until()};
	enum tb_code code = pki_key_generate(&out->key, PKI_P256, &err);
	if (code == TB_OK)
		code = pki_issue_leaf(&pem, out->key, identity->ca, tb_buf_bytes(&identity->ca_pem), &leaf,
		                      &err);
	if (code == TB_OK)
		code = pki_pem_to_chain(out->chain, &out->chain_count, tb_buf_bytes(&pem), &identity->arena,
		                        &err);
	assert(code == TB_OK);
	tb_buf_clear(&pem);
}

static struct sim_identity *make(const char *region)
{
	struct sim_identity *identity = tb_alloc(sizeof(*identity));
	struct tb_error err = {0};
	struct pki_issue ca = {.region = identity->code,
	                       .common_name = "simulated CA",
	                       .valid_from = valid_from(),
	                       .valid_until = valid_until(),
	                       .ca = true};
	snprintf(identity->code, sizeof(identity->code), "%.6s", region);
	/* The region's own stream: its keys are the same in every world. */
	sim_crypto_start(sim_mix_bytes(0, identity->code, strlen(identity->code)), false);
	enum tb_code code = pki_key_generate(&identity->ca, PKI_P256, &err);
	if (code == TB_OK)
		code = pki_issue_ca(&identity->ca_pem, identity->ca, &ca, &err);
	assert(code == TB_OK);
	issue(identity, &identity->message, PKI_ROLE_MESSAGE);
	issue(identity, &identity->seal, PKI_ROLE_SEAL);
	sim_crypto_stop();
	return identity;
}

const struct sim_identity *sim_identity(const char *code)
{
	size_t at = sim_mix_bytes(0, code, strlen(code)) % IDENTITY_BUCKETS;
	while (identities[at]) {
		if (strcmp(identities[at]->code, code) == 0)
			return identities[at];
		at = (at + 1) % IDENTITY_BUCKETS;
	}
	identities[at] = make(code);
	return identities[at];
}

void sim_tables_free(void)
{
	for (size_t i = 0; i < IDENTITY_BUCKETS; i++) {
		struct sim_identity *identity = identities[i];
		if (!identity)
			continue;
		sim_credential_clear(&identity->message);
		sim_credential_clear(&identity->seal);
		pki_key_free(identity->ca);
		tb_buf_clear(&identity->ca_pem);
		tb_arena_clear(&identity->arena);
		free(identity);
		identities[i] = NULL;
	}
	regions_free(regions);
	calendar_free(calendar);
	regions = NULL;
	calendar = NULL;
}

/* ---- distances */

/* Latitude and longitude of the capitals, tenths of a degree. */
static const struct {
	int province;
	int north;
	int east;
} places[] = {
	{11, 399, 1164}, {12, 391, 1172}, {13, 380, 1145}, {14, 379, 1125}, {15, 408, 1117}, {21, 418, 1234},
	{22, 439, 1253}, {23, 458, 1265}, {31, 312, 1215}, {32, 321, 1188}, {33, 303, 1202}, {34, 318, 1172},
	{35, 261, 1193}, {36, 287, 1159}, {37, 367, 1170}, {41, 347, 1137}, {42, 306, 1143}, {43, 282, 1129},
	{44, 231, 1133}, {45, 228, 1084}, {46, 200, 1103}, {50, 295, 1065}, {51, 306, 1041}, {52, 266, 1067},
	{53, 250, 1027}, {54, 297, 911},  {61, 343, 1089}, {62, 361, 1038}, {63, 366, 1018}, {64, 385, 1063},
	{65, 438, 876},  {71, 250, 1216}, {81, 223, 1142}, {82, 222, 1135},
};

static unsigned root(unsigned value)
{
	unsigned low = 0;
	for (unsigned bit = 1u << 15; bit > 0; bit >>= 1) {
		if ((low | bit) * (low | bit) <= value)
			low |= bit;
	}
	return low;
}

unsigned sim_distance(const char *a, const char *b)
{
	static int north[PROVINCES], east[PROVINCES];
	if (north[11] == 0) {
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			north[places[i].province] = places[i].north;
			east[places[i].province] = places[i].east;
		}
	}
	int from = (a[0] - '0') * 10 + a[1] - '0', to = (b[0] - '0') * 10 + b[1] - '0';
	/* A tenth of a degree: 11 km along a meridian, 9 km along a parallel at the middle of the country. */
	int dy = (north[from] - north[to]) * 11, dx = (east[from] - east[to]) * 9;
	return 100 + root((unsigned)(dx * dx + dy * dy));
}
