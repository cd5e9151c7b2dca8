/* Addresses that a node may be made to talk to: the public ones, and those that the operator names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "node/io/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool allowed(const char *text, const struct address_range *ranges, size_t count)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return address_allowed((const struct sockaddr *)&four, ranges, count);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return address_allowed((const struct sockaddr *)&six, ranges, count);
}

static void test_public_addresses_are_allowed_and_others_are_not(void **state)
{
	(void)state;
	static const char *const good[] = {"8.8.8.8",          "172.15.255.255", "172.32.0.1",   "100.63.0.1",
	                                   "192.167.1.1",      "223.5.5.5",      "2400:3200::1", "2a00::1",
	                                   "64:ff9b::808:808", "2002:808:808::1"};
	static const char *const bad[] = {"0.0.0.0",
	                                  "10.1.2.3",
	                                  "100.64.0.1",
	                                  "127.0.0.1",
	                                  "127.255.255.254",
	                                  "169.254.169.254",
	                                  "172.16.0.1",
	                                  "172.31.255.255",
	                                  "192.168.1.1",
	                                  "192.0.2.1",
	                                  "198.18.0.1",
	                                  "198.19.255.255",
	                                  "224.0.0.1",
	                                  "255.255.255.255",
	                                  "::",
	                                  "::1",
	                                  "fe80::1",
	                                  "fc00::1",
	                                  "fdff::1",
	                                  "ff02::1",
	                                  "2001:db8::1",
	                                  "::ffff:10.0.0.1",
	                                  "::ffff:127.0.0.1",
	                                  "64:ff9b::a00:1",
	                                  "2002:a00:1::1",
	                                  "2001::1",
	                                  "::127.0.0.1",
	                                  "100::1",
	                                  "64:ff9b:1::a00:1"};
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!allowed(good[i], NULL, 0))
			fail_msg("%s is refused", good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (allowed(bad[i], NULL, 0))
			fail_msg("%s is allowed", bad[i]);
	}
}

static void test_a_network_that_is_named_is_allowed_and_its_neighbours_are_not(void **state)
{
	(void)state;
	struct address_range ranges[3];
	struct tb_error err;
	assert_int_equal(address_range_parse(&ranges[0], "10.20.0.0/15", &err), TB_OK);
	assert_int_equal(address_range_parse(&ranges[1], "127.0.0.1", &err), TB_OK);
	assert_int_equal(address_range_parse(&ranges[2], "fd12:3456::/32", &err), TB_OK);
	assert_true(allowed("10.20.0.1", ranges, 3));
	assert_true(allowed("10.21.255.255", ranges, 3));
	assert_false(allowed("10.22.0.0", ranges, 3));
	assert_false(allowed("10.19.255.255", ranges, 3));
	assert_true(allowed("127.0.0.1", ranges, 3));
	assert_true(allowed("::ffff:127.0.0.1", ranges, 3));
	assert_false(allowed("127.0.0.2", ranges, 3));
	assert_true(allowed("fd12:3456:1::1", ranges, 3));
	assert_false(allowed("fd12:3457::1", ranges, 3));
}

static void test_what_is_no_network_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"",           "x",           "10.0.0.0/",   "10.0.0.0/33",
	                                    "10.0.0.1/8", "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0/8",
	                                    "::/129",     "fd00::1/64",  "10.0.0.0/+8", "localhost"};
	struct address_range range;
	struct tb_error err;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		if (address_range_parse(&range, wrong[i], &err) != TB_EINVALID)
			fail_msg("%s is taken", wrong[i]);
	}
}

static void test_what_is_no_internet_address_is_refused(void **state)
{
	(void)state;
	struct sockaddr unix_address = {.sa_family = AF_UNIX};
	assert_false(address_allowed(&unix_address, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_addresses_are_allowed_and_others_are_not),
		cmocka_unit_test(test_a_network_that_is_named_is_allowed_and_its_neighbours_are_not),
		cmocka_unit_test(test_what_is_no_network_is_refused),
		cmocka_unit_test(test_what_is_no_internet_address_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
