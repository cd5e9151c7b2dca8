/* What the verbs of a peer ask the node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

static void test_codes_that_nothing_explains_are_asked_for(void **state)
{
	(void)state;
	verbs_reply_with(
		"{\"codes\":[{\"kind\":\"CODE_MATERIAL\",\"code\":\"M2\",\"listed\":true,\"item\":\"I\"},"
		"{\"kind\":\"CODE_CREDENTIAL_TYPE\",\"code\":\"JHZ\",\"here\":\"T\",\"known\":true,"
		"\"asked\":true}],\"more\":true}");
	verbs_check(cmd_peer_verbs, "peer codes", WORDS("320400", "--all"),
	            WORDS("/tongban.v1.PeerService/Codes", "\"peer\":\"320400\"", "\"all\":true"));
	verbs_setup(NULL);
	verbs_reply_with("{}");
	verbs_check(cmd_peer_verbs, "peer codes", WORDS("320400"), WORDS("\"peer\":\"320400\""));
}

static void test_what_a_peer_can_do_is_shown(void **state)
{
	static const char peers[] =
		"{\"peers\":[{\"region\":\"320400\",\"protocol\":1,\"capabilities\":{\"software\":\"9\","
		"\"integrations\":[\"UNIFIED_IDENTITY\",\"AGGREGATION\"],\"modes\":[\"DS\",\"YS\"],"
		"\"matters\":[\"DISPUTE\"],\"rights\":[\"ACCEPT_CASES\"],\"disclosure\":\"MATCH\"}},"
		"{\"region\":\"330100\"}]}";
	(void)state;
	verbs_reply_with(peers);
	verbs_check(cmd_peer_verbs, "peer list", WORDS(NULL), WORDS("/tongban.v1.PeerService/List"));
	verbs_setup(NULL);
	verbs_reply_with(peers);
	verbs_check(cmd_peer_verbs, "peer show", WORDS("320400"), WORDS("/tongban.v1.PeerService/List"));
	verbs_setup(NULL);
	verbs_reply_with(peers);
	verbs_check(cmd_peer_verbs, "peer show", WORDS("330100"), WORDS("/tongban.v1.PeerService/List"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_a_peer_can_do_is_shown, verbs_setup),
		cmocka_unit_test_setup(test_codes_that_nothing_explains_are_asked_for, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
