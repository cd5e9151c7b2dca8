/* What is asked about lists of items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

static void check_refused(const char *name, const char *const *words, int status, const char *says)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(cmd_catalogue_verbs, name, words, &seen, &err), status);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	tb_buf_clear(&seen);
}

static void test_an_item_that_is_not_in_the_list_is_named(void **state)
{
	(void)state;
	verbs_reply_with("{\"catalogue\":{\"region\":\"320400\",\"version\":2}}");
	check_refused("catalogue show", WORDS("nosuch"), CLI_REFUSED,
	              "no item nosuch in the catalogue of 320400");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_an_item_that_is_not_in_the_list_is_named, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
