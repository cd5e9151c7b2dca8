#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "node/core/catalogue.h"

#define LICENCE "11100000MB0143028R001" /* 营业执照 */
#define IDENTITY "11100000000013127D001"

/* An item with three needs: a scan, a certificate of one of two types, a paper original; and a fourth that is
 * not required. The application that goes with it holds the first three. */
struct fixture {
	PbItem item;
	PbMaterialNeed need[4];
	PbMaterialNeed *needs[4];
	PbApplication application;
	PbMaterial material[4];
	PbMaterial *materials[4];
};

/* The generated structs are not const; nothing writes through them. */
static char *text(const char *literal)
{
	return (char *)(uintptr_t)literal;
}

static ProtobufCBinaryData digest(size_t size)
{
	static uint8_t bytes[64] = {1};
	return (ProtobufCBinaryData){size, bytes};
}

static void fixture_init(struct fixture *f)
{
	static char *modes[] = {(char *)(uintptr_t) "DS"};
	static char *types[] = {(char *)(uintptr_t)IDENTITY, (char *)(uintptr_t)LICENCE};
	static const char *const codes[] = {"M1", "M2", "M3", "M4"};
	f->item = (PbItem)PB_ITEM__INIT;
	f->item.code = text("11370800MB285591843370117002011");
	f->item.name = text("变更登记");
	f->item.department = text("11370800MB28559184");
	f->item.modes = modes;
	f->item.n_modes = 1;
	f->item.promised_days = 5;
	f->item.legal_days = 20;
	f->item.materials = f->needs;
	f->item.n_materials = 4;
	for (size_t i = 0; i < 4; i++) {
		f->need[i] = (PbMaterialNeed)PB_MATERIAL_NEED__INIT;
		f->need[i].code = text(codes[i]);
		f->need[i].name = text("申请表");
		f->need[i].basis = text("登记条例第八条");
		f->need[i].required = i < 3;
		f->needs[i] = &f->need[i];
		f->material[i] = (PbMaterial)PB_MATERIAL__INIT;
		f->material[i].need = text(codes[i]);
		f->materials[i] = &f->material[i];
	}
	f->need[1].credential_types = types;
	f->need[1].n_credential_types = 2;
	f->need[2].original = true;
	f->application = (PbApplication)PB_APPLICATION__INIT;
	f->application.item = f->item.code;
	f->application.mode = text("DS");
	f->application.materials = f->materials;
	f->application.n_materials = 3;
	f->material[0].name = text("申请表.pdf");
	f->material[0].media_type = text("application/pdf");
	f->material[0].size = 1000;
	f->material[0].root = digest(32);
	f->material[0].sha256 = digest(32);
	f->material[1].credential = text("1.2.156.3005.2." LICENCE ".11430000006122244L.20230000403.001.U");
	f->material[2].original = true;
}

static void check_item(const struct fixture *f, enum tb_code want, const char *place)
{
	struct tb_error err = {0};
	assert_int_equal(catalogue_check_item(&f->item, &err), want);
	assert_non_null(strstr(err.text, place));
}

static void check_application(const struct fixture *f, enum tb_code want, const char *place)
{
	struct tb_error err = {0};
	assert_int_equal(catalogue_check_application(&f->item, &f->application, NULL, &err), want);
	assert_non_null(strstr(err.text, place));
}

static void test_catalogue_takes_a_good_item(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	check_item(&f, TB_OK, "");
	f.item.n_materials = 0;
	check_item(&f, TB_OK, "");
	fixture_init(&f);
	f.need[3].basis = text(""); /* What is only welcome needs no basis. */
	f.item.promised_days = f.item.legal_days;
	check_item(&f, TB_OK, "");
	f.item.base_code = text("000131001000");
	f.item.criteria = text("2026-1");
	check_item(&f, TB_OK, "");
}

static void test_catalogue_checks_what_modes_compare(void **state)
{
	(void)state;
	struct fixture f;
	static char wide[TB_ID_BYTES_MAX + 2];
	memset(wide, 'x', sizeof(wide) - 1);
	fixture_init(&f);
	f.item.base_code = wide;
	check_item(&f, TB_ETOOBIG, "base_code");
	fixture_init(&f);
	f.item.criteria = wide;
	check_item(&f, TB_ETOOBIG, "criteria");
	f.item.criteria = text("a\nb");
	check_item(&f, TB_EINVALID, "criteria");
}

static void test_whom_the_region_accepts_is_one_of_the_known_conditions(void **state)
{
	(void)state;
	struct fixture f;
	static char *all[] = {(char *)(uintptr_t) "registered", (char *)(uintptr_t) "resident",
	                      (char *)(uintptr_t) "registered", (char *)(uintptr_t) "friends",
	                      (char *)(uintptr_t) "anybody"};
	fixture_init(&f);
	f.item.eligible = all;
	f.item.n_eligible = 2;
	check_item(&f, TB_OK, "");
	f.item.n_eligible = 3;
	check_item(&f, TB_EINVALID, "eligible[2]");
	f.item.eligible = all + 3;
	f.item.n_eligible = 1;
	check_item(&f, TB_EINVALID, "eligible[0]");
	f.item.eligible = all + 4;
	check_item(&f, TB_OK, "");
	static char *both[] = {(char *)(uintptr_t) "registered", (char *)(uintptr_t) "anybody"};
	f.item.eligible = both;
	f.item.n_eligible = 2;
	check_item(&f, TB_EINVALID, "eligible: anybody");
	fixture_init(&f);
	f.item.due_on = text("2026-02-30");
	check_item(&f, TB_EINVALID, "due_on");
	f.item.due_on = text("2026-12-31");
	f.item.credit_months = 37;
	check_item(&f, TB_EINVALID, "credit_months");
}

static void test_an_applicant_whom_the_region_does_not_accept_is_told_whom_it_does(void **state)
{
	(void)state;
	struct fixture f;
	static char *here[] = {(char *)(uintptr_t) "registered", (char *)(uintptr_t) "resident"};
	static char *anybody[] = {(char *)(uintptr_t) "anybody"};
	PbEligibilityClaim claim = PB_ELIGIBILITY_CLAIM__INIT, *claims[] = {&claim};
	fixture_init(&f);
	f.application.home = text("320400");
	f.item.eligible = here;
	f.item.n_eligible = 2;
	check_application(&f, TB_EINVALID, "in 320400, one of: registered, resident");
	f.application.eligibility = claims;
	f.application.n_eligibility = 1;
	claim.ground = text("resident");
	claim.area = text("320412"); /* a district of it */
	check_application(&f, TB_OK, "");
	claim.area = text("320500");
	check_application(&f, TB_EINVALID, "one of");
	claim.area = text("320400");
	check_application(&f, TB_OK, "");
	claim.ground = text("employed");
	check_application(&f, TB_EINVALID, "one of");
	f.item.eligible = anybody;
	f.item.n_eligible = 1;
	check_application(&f, TB_OK, "");
	f.item.n_eligible = 0;
	check_application(&f, TB_OK, "");
	claim.area = text("3204");
	check_application(&f, TB_EINVALID, "eligibility[0].area");
	claim.ground = text("x");
	check_application(&f, TB_EINVALID, "eligibility[0].ground");
	f.application.n_eligibility = 17;
	check_application(&f, TB_ETOOBIG, "eligibility");
}

static void test_catalogue_checks_the_elements(void **state)
{
	(void)state;
	struct fixture f;
	static char *codes[] = {(char *)(uintptr_t) "1", (char *)(uintptr_t) "8"};
	static char *regions[] = {(char *)(uintptr_t) "310000", (char *)(uintptr_t) "31"};
	PbItemFee fee = PB_ITEM_FEE__INIT, *fees[] = {&fee};
	PbItemMode mode = PB_ITEM_MODE__INIT, *mode_regions[] = {&mode};
	fixture_init(&f);
	f.item.item_type = text("01");
	f.item.level = text("3");
	f.item.case_type = text("2");
	f.item.subjects = codes;
	f.item.n_subjects = 1;
	f.item.channels = codes;
	f.item.n_channels = 1;
	f.item.effective_from = text("2026-01-01");
	f.item.cancelled_on = text("2026-12-31");
	f.item.year = 2026;
	fee.name = text("证书工本费");
	fee.standard = text("10 元");
	fee.basis = text("价费字〔1992〕240号");
	f.item.fees = fees;
	f.item.n_fees = 1;
	mode.mode = text("DS");
	mode.regions = regions;
	mode.n_regions = 1;
	f.item.mode_regions = mode_regions;
	f.item.n_mode_regions = 1;
	check_item(&f, TB_OK, "");
	mode.n_regions = 2;
	check_item(&f, TB_EINVALID, "mode_regions[0].regions[1]");
	mode.n_regions = 0;
	mode.mode = text("YB");
	check_item(&f, TB_EINVALID, "mode_regions[0].mode");
	f.item.n_mode_regions = 0;
	fee.basis = text("");
	check_item(&f, TB_EINVALID, "fees[0].basis");
	f.item.n_fees = 0;
	f.item.year = 1999;
	check_item(&f, TB_EINVALID, "year");
	f.item.cancelled_on = f.item.effective_from;
	check_item(&f, TB_EINVALID, "cancelled_on");
	f.item.effective_from = text("2026-02-30");
	check_item(&f, TB_EINVALID, "effective_from");
	f.item.n_channels = 2;
	check_item(&f, TB_EINVALID, "channels");
	f.item.n_subjects = 2;
	check_item(&f, TB_EINVALID, "subjects");
	f.item.item_type = text("1");
	check_item(&f, TB_EINVALID, "item_type");
	f.item.case_type = text("3");
	check_item(&f, TB_EINVALID, "case_type");
	f.item.level = text("0");
	check_item(&f, TB_EINVALID, "level");
	fixture_init(&f);
	f.need[1].copies = 101;
	check_item(&f, TB_EINVALID, "materials[1].copies");
	f.need[1].issuer = text("a\nb");
	check_item(&f, TB_EINVALID, "materials[1].issuer");
}

static void test_catalogue_takes_versions_of_a_code_but_none_twice(void **state)
{
	(void)state;
	PbItem item[3] = {PB_ITEM__INIT, PB_ITEM__INIT, PB_ITEM__INIT},
	       *items[3] = {&item[0], &item[1], &item[2]};
	struct tb_error err = {0};
	item[0].code = text("b");
	item[1].code = text("a");
	item[2].code = text("b");
	item[2].version = 1;
	assert_int_equal(catalogue_check_versions(items, 3, &err), TB_OK);
	assert_int_equal(catalogue_check_versions(items, 0, &err), TB_OK);
	item[2].version = 0;
	assert_int_equal(catalogue_check_versions(items, 3, &err), TB_EINVALID);
	assert_non_null(strstr(err.text, "items[2].code"));
	assert_non_null(strstr(err.text, "items[0]"));
}

static void test_catalogue_offers_an_item_by_region(void **state)
{
	(void)state;
	struct fixture f;
	static const struct {
		const char *listed;
		const char *window;
		enum tb_code code;
	} rows[] = {
		{"320400", "320400", TB_OK},      {"320400", "320402", TB_OK},
		{"320402", "320400", TB_EDENIED}, {"320000", "320400", TB_OK},
		{"320000", "330000", TB_EDENIED}, {"100000", "620100", TB_OK},
		{"310115", "310100", TB_EDENIED}, {"310115", "310115", TB_OK},
	};
	char *region;
	PbItemMode mode = PB_ITEM_MODE__INIT, *modes[] = {&mode};
	fixture_init(&f);
	f.item.mode_regions = modes;
	f.item.n_mode_regions = 1;
	mode.mode = text("DS");
	mode.regions = &region;
	mode.n_regions = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		region = text(rows[i].listed);
		assert_int_equal(catalogue_check_offer(&f.item, "DS", rows[i].window, NULL), rows[i].code);
		assert_int_equal(catalogue_check_offer(&f.item, "YS", rows[i].window, NULL), TB_OK);
	}
}

static void test_catalogue_refuses_an_item_without_its_parts(void **state)
{
	(void)state;
	struct fixture f;
	static char *unknown[] = {(char *)(uintptr_t) "DS", (char *)(uintptr_t) "XX"};
	static char *twice[] = {(char *)(uintptr_t) "DS", (char *)(uintptr_t) "DS"};
	fixture_init(&f);
	f.item.code = text("");
	check_item(&f, TB_EINVALID, "code");
	fixture_init(&f);
	f.item.name = text(" ");
	check_item(&f, TB_EINVALID, "name");
	fixture_init(&f);
	f.item.department = text("");
	check_item(&f, TB_EINVALID, "department");
	fixture_init(&f);
	f.item.n_modes = 0;
	check_item(&f, TB_EINVALID, "modes");
	f.item.n_modes = 2;
	f.item.modes = unknown;
	check_item(&f, TB_EINVALID, "modes[1]");
	f.item.modes = twice;
	check_item(&f, TB_EINVALID, "modes[1]");
	fixture_init(&f);
	f.item.name = text("a\nb");
	check_item(&f, TB_EINVALID, "name");
	fixture_init(&f);
	f.item.result_type = text("\xff");
	check_item(&f, TB_EINVALID, "result_type");
}

static void test_catalogue_holds_the_promise_within_the_law(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.item.promised_days = 0;
	check_item(&f, TB_EINVALID, "promised_days");
	f.item.promised_days = 21;
	check_item(&f, TB_EINVALID, "promised_days");
	f.item.legal_days = 0;
	f.item.promised_days = 1;
	check_item(&f, TB_EINVALID, "promised_days");
	f.item.legal_days = UINT32_MAX;
	check_item(&f, TB_EINVALID, "legal_days");
}

static void test_catalogue_asks_for_nothing_without_a_basis(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.need[2].basis = text("");
	check_item(&f, TB_EINVALID, "materials[2].basis");
	f.need[2].basis = text("\xe3\x80\x80");
	check_item(&f, TB_EINVALID, "materials[2].basis");
}

static void test_catalogue_refuses_bad_needs(void **state)
{
	(void)state;
	struct fixture f;
	char longer[TB_ID_BYTES_MAX + 2];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	fixture_init(&f);
	f.need[1].code = f.need[0].code;
	check_item(&f, TB_EINVALID, "materials[1].code");
	fixture_init(&f);
	f.need[3].code = text("");
	check_item(&f, TB_EINVALID, "materials[3].code");
	f.need[3].code = longer;
	check_item(&f, TB_ETOOBIG, "materials[3].code");
	longer[TB_ID_BYTES_MAX] = '\0';
	check_item(&f, TB_OK, "");
	fixture_init(&f);
	f.need[3].name = text("");
	check_item(&f, TB_EINVALID, "materials[3].name");
	fixture_init(&f);
	f.need[1].n_credential_types = 65;
	check_item(&f, TB_ETOOBIG, "credential_types");
	fixture_init(&f);
	f.item.n_materials = TB_NEEDS_MAX + 1;
	check_item(&f, TB_ETOOBIG, "materials");
}

static void test_catalogue_takes_a_complete_application(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	check_application(&f, TB_OK, "");
	/* A file serves for every need, and several may serve for one. */
	for (size_t i = 1; i < 4; i++) {
		f.material[i] = f.material[0];
		f.material[i].need = text(i == 3 ? "M1" : f.need[i].code);
	}
	f.application.n_materials = 4;
	check_application(&f, TB_OK, "");
}

static void test_catalogue_names_all_that_is_missing(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.application.n_materials = 0;
	check_application(&f, TB_EINVALID, "missing: M1, M2, M3");
	f.application.n_materials = 1;
	check_application(&f, TB_EINVALID, "missing: M2, M3");
	f.item.n_materials = 0;
	f.application.n_materials = 0;
	check_application(&f, TB_OK, "");
}

static void test_catalogue_counts_what_a_text_cannot_name(void **state)
{
	(void)state;
	enum { NEEDS = 100 };
	struct fixture f;
	static char codes[NEEDS][32];
	static PbMaterialNeed need[NEEDS];
	PbMaterialNeed *needs[NEEDS];
	fixture_init(&f);
	for (size_t i = 0; i < NEEDS; i++) {
		snprintf(codes[i], sizeof(codes[i]), "a-rather-long-code-%03zu", i);
		need[i] = f.need[0];
		need[i].code = codes[i];
		needs[i] = &need[i];
	}
	f.item.materials = needs;
	f.item.n_materials = NEEDS;
	f.application.n_materials = 0;
	check_item(&f, TB_OK, "");
	check_application(&f, TB_EINVALID, "missing: a-rather-long-code-000, a-rather-long-code-001, ");
	/* 192 bytes hold eight codes of 22 bytes and the signs between them, and no ninth. */
	check_application(&f, TB_EINVALID, "a-rather-long-code-007 and 92 more");
}

static void test_catalogue_refuses_the_wrong_item_or_mode(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.application.mode = text("YB");
	check_application(&f, TB_EINVALID, "mode");
	fixture_init(&f);
	f.application.item = text("other");
	check_application(&f, TB_EINVALID, "item");
}

static void test_catalogue_refuses_materials_for_no_need(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.material[0].need = text("M9");
	check_application(&f, TB_EINVALID, "materials[0].need");
	f.material[0].need = text("");
	check_application(&f, TB_EINVALID, "materials[0].need");
}

static void test_catalogue_takes_certificates_only_where_they_are_listed(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.need[1].n_credential_types = 0;
	check_application(&f, TB_EINVALID, "materials[1]");
	f.need[1].n_credential_types = 1; /* identity only */
	check_application(&f, TB_EINVALID, "materials[1]");
	f.material[1].credential = text("1.2.156.3005.2." IDENTITY ".X.1.001.0");
	check_application(&f, TB_OK, "");
	f.material[1].credential = text("1.2.156.3005.2." IDENTITY "0.X.1.001.0"); /* another type */
	check_application(&f, TB_EINVALID, "materials[1]");
	f.material[1].credential = text("1.2.156.3005.2.");
	check_application(&f, TB_EINVALID, "materials[1]");
	f.material[1].credential = text("local-77"); /* a region's own form names no type */
	check_application(&f, TB_OK, "");
}

static void test_catalogue_demands_no_original_of_what_a_certificate_shows(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.material[1].original = true;
	f.need[1].original = true;
	check_application(&f, TB_EINVALID, "materials[1]");
	f.material[1].original = false;
	check_application(&f, TB_OK, "");
	/* Only the third need's paper travels; without it none does, though the second asks for an original.
	 */
	assert_true(catalogue_needs_originals(&f.item, &f.application));
	f.application.n_materials = 2;
	assert_false(catalogue_needs_originals(&f.item, &f.application));
	/* A scan beside the certificate changes nothing. */
	f.material[2] = f.material[0];
	f.material[2].need = f.need[1].code;
	f.application.n_materials = 3;
	assert_false(catalogue_needs_originals(&f.item, &f.application));
	f.material[1].credential = text("");
	assert_true(catalogue_needs_originals(&f.item, &f.application));
}

static void test_catalogue_sends_no_original_that_is_not_asked_for(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.material[0].original = true;
	check_application(&f, TB_EINVALID, "materials[0]");
	fixture_init(&f);
	f.need[2].original = false;
	check_application(&f, TB_EINVALID, "materials[2]");
}

static void test_catalogue_refuses_names_that_are_paths(void **state)
{
	(void)state;
	static const char *const bad[] = {"a/b",
	                                  "/etc/passwd",
	                                  "..",
	                                  "../x",
	                                  "a\\b",
	                                  "C:\\x",
	                                  "a..b",
	                                  "a\nb",
	                                  "\x1b[2J",
	                                  "\x7f",
	                                  "\xff",
	                                  ("\xe2\x80\xae"
	                                   "fdp.exe")};
	static const char *const good[] = {"", "申请表 1.pdf", ".hidden", "a.b.c"};
	struct fixture f;
	fixture_init(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.material[0].name = text(bad[i]);
		check_application(&f, TB_EINVALID, "materials[0].name");
		assert_int_equal(catalogue_check_supplement(f.materials, 1, NULL), TB_EINVALID);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		f.material[0].name = text(good[i]);
		check_application(&f, TB_OK, "");
	}
	char longer[TB_NAME_BYTES_MAX + 2];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	f.material[0].name = longer;
	check_application(&f, TB_ETOOBIG, "materials[0].name");
}

static void test_catalogue_refuses_files_that_cannot_be(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	f.material[0].size = 0;
	check_application(&f, TB_EINVALID, "materials[0].size");
	f.material[0].size = (uint64_t)1 << 31;
	check_application(&f, TB_OK, "");
	f.material[0].size++;
	check_application(&f, TB_ETOOBIG, "materials[0].size");
	fixture_init(&f);
	f.material[0].root = digest(31);
	check_application(&f, TB_EINVALID, "materials[0].root");
	f.material[0].root = digest(33);
	check_application(&f, TB_EINVALID, "materials[0].root");
	f.material[0].root = digest(0);
	check_application(&f, TB_EINVALID, "materials[0].root");
	fixture_init(&f);
	f.material[0].sha256 = digest(20);
	check_application(&f, TB_EINVALID, "materials[0].sha256");
	f.material[0].sha256 = digest(0);
	check_application(&f, TB_EINVALID, "materials[0].sha256");
	fixture_init(&f);
	f.material[2].original = false;
	check_application(&f, TB_EINVALID, "materials[2]");
}

static void test_catalogue_bounds_materials(void **state)
{
	(void)state;
	struct fixture f;
	PbMaterial *materials[TB_MATERIALS_MAX + 1];
	fixture_init(&f);
	for (size_t i = 0; i <= TB_MATERIALS_MAX; i++)
		materials[i] = &f.material[i % 3];
	f.application.materials = materials;
	f.application.n_materials = TB_MATERIALS_MAX;
	check_application(&f, TB_OK, "");
	f.application.n_materials++;
	check_application(&f, TB_ETOOBIG, "materials");
	assert_int_equal(catalogue_check_supplement(materials, TB_MATERIALS_MAX + 1, NULL), TB_ETOOBIG);
	assert_int_equal(catalogue_check_supplement(NULL, 0, NULL), TB_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue_takes_a_good_item),
		cmocka_unit_test(test_catalogue_checks_what_modes_compare),
		cmocka_unit_test(test_catalogue_refuses_an_item_without_its_parts),
		cmocka_unit_test(test_catalogue_checks_the_elements),
		cmocka_unit_test(test_catalogue_takes_versions_of_a_code_but_none_twice),
		cmocka_unit_test(test_catalogue_offers_an_item_by_region),
		cmocka_unit_test(test_catalogue_holds_the_promise_within_the_law),
		cmocka_unit_test(test_catalogue_asks_for_nothing_without_a_basis),
		cmocka_unit_test(test_catalogue_refuses_bad_needs),
		cmocka_unit_test(test_catalogue_takes_a_complete_application),
		cmocka_unit_test(test_catalogue_names_all_that_is_missing),
		cmocka_unit_test(test_catalogue_counts_what_a_text_cannot_name),
		cmocka_unit_test(test_catalogue_refuses_the_wrong_item_or_mode),
		cmocka_unit_test(test_catalogue_refuses_materials_for_no_need),
		cmocka_unit_test(test_catalogue_takes_certificates_only_where_they_are_listed),
		cmocka_unit_test(test_catalogue_demands_no_original_of_what_a_certificate_shows),
		cmocka_unit_test(test_catalogue_sends_no_original_that_is_not_asked_for),
		cmocka_unit_test(test_catalogue_refuses_names_that_are_paths),
		cmocka_unit_test(test_catalogue_refuses_files_that_cannot_be),
		cmocka_unit_test(test_catalogue_bounds_materials),
		cmocka_unit_test(test_whom_the_region_accepts_is_one_of_the_known_conditions),
		cmocka_unit_test(test_an_applicant_whom_the_region_does_not_accept_is_told_whom_it_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
