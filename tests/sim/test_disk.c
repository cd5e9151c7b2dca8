#include "tests/sim/disk_scene.h"

enum { CYCLES = 2000 };

struct ledger {
	uint64_t round;
	uint64_t sure[KEYS];  /* the last acknowledged round of each key */
	uint64_t maybe[KEYS]; /* a later one whose commit failed; 0: none */
};

static void check_ledger(struct store *store, struct ledger *ledger)
{
	for (uint64_t key = 0; key < KEYS; key++) {
		uint64_t round = read_round(store, key);
		if (round != ledger->sure[key] && (round == 0 || round != ledger->maybe[key]))
			fail_msg("key %d holds round %d, acknowledged was %d", (int)key, (int)round,
			         (int)ledger->sure[key]);
		ledger->sure[key] = round;
		ledger->maybe[key] = 0;
	}
}

/* Writes until |rounds| are done or one fails. */
static void write_some(struct store *store, struct ledger *ledger, uint64_t *random, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t key = next(random) % KEYS;
		uint64_t round = ++ledger->round;
		if (write_round(store, key, round) != TB_OK) {
			ledger->maybe[key] = round;
			return;
		}
		ledger->sure[key] = round;
	}
}

static void test_store_loses_no_acknowledged_commit_when_power_goes_within_one(void **state)
{
	struct sim_disk *disk = new_disk(state, 7);
	struct ledger ledger = {0};
	uint64_t random = 7;
	unsigned cut = 0;
	for (unsigned i = 0; i < CYCLES; i++) {
		enum tb_code code;
		sim_disk_cut_after(disk, 1 + next(&random) % 24);
		struct store *store = open_store(disk, &code);
		if (code == TB_OK) {
			check_ledger(store, &ledger);
			write_some(store, &ledger, &random, 1 + (unsigned)(next(&random) % 6));
		}
		cut += sim_disk_is_cut(disk);
		store_close(store);
		sim_disk_power_loss(disk);
	}
	enum tb_code code;
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	check_ledger(store, &ledger);
	store_close(store);
	assert_true(ledger.round > CYCLES);
	assert_true(cut > CYCLES / 3);
	assert_int_equal(sim_disk_counts(disk)->losses, CYCLES);
	assert_true(sim_disk_counts(disk)->sectors_lost > CYCLES);
	assert_true(sim_disk_counts(disk)->sectors_kept > CYCLES);
}

static void test_a_store_whose_making_is_cut_off_is_made_anew(void **state)
{
	uint64_t names_lost = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		enum tb_code code;
		sim_disk_cut_after(disk, 1 + i % 12);
		store_close(open_store(disk, &code));
		sim_disk_power_loss(disk);
		names_lost += sim_disk_counts(disk)->names_lost;
		struct store *store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), 1);
		store_close(store);
	}
	assert_true(names_lost > 20);
}

static void test_store_survives_failing_calls_and_loss_of_power(void **state)
{
	struct sim_disk *disk = new_disk(state, 8);
	struct sim_disk_faults faults = {
		.write_fails = 20000, .write_fails_late = 20000, .write_short = 20000, .sync_fails = 40000};
	struct ledger ledger = {0};
	uint64_t random = 8;
	unsigned failed = 0;
	for (unsigned i = 0; i < CYCLES; i++) {
		enum tb_code code;
		sim_disk_set_faults(disk, &faults);
		struct store *store = open_store(disk, &code);
		if (code == TB_OK) {
			check_ledger(store, &ledger);
			uint64_t before = ledger.round;
			write_some(store, &ledger, &random, 6);
			failed += ledger.round - before < 6;
		}
		store_close(store);
		if (next(&random) % 2)
			sim_disk_power_loss(disk);
		else
			sim_disk_crash(disk);
	}
	assert_true(failed > CYCLES / 20);
	assert_true(sim_disk_counts(disk)->faults > CYCLES / 20);
}

static void test_the_same_seed_gives_the_same_faults(void **state)
{
	struct sim_disk_counts counts[2];
	uint64_t rounds[2];
	for (int run = 0; run < 2; run++) {
		struct sim_disk *disk = new_disk(state, 99);
		struct sim_disk_faults faults = {.write_fails = 10000, .sync_fails = 10000};
		struct ledger ledger = {0};
		uint64_t random = 3;
		for (unsigned i = 0; i < 50; i++) {
			enum tb_code code;
			sim_disk_set_faults(disk, &faults);
			sim_disk_cut_after(disk, 1 + next(&random) % 40);
			struct store *store = open_store(disk, &code);
			if (code == TB_OK)
				write_some(store, &ledger, &random, 8);
			store_close(store);
			sim_disk_power_loss(disk);
		}
		counts[run] = *sim_disk_counts(disk);
		rounds[run] = ledger.round;
	}
	assert_memory_equal(&counts[0], &counts[1], sizeof(counts[0]));
	assert_int_equal(rounds[0], rounds[1]);
}

/* ---- single faults */

static void test_a_full_disk_is_told_as_full(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	struct sim_disk_faults faults = {0};
	enum tb_code code;
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	assert_int_equal(write_round(store, 1, 1), TB_OK);
	faults.room_bytes = 1;
	sim_disk_set_faults(disk, &faults);
	uint64_t round = 2;
	do
		code = write_round(store, round % KEYS, round);
	while (code == TB_OK && ++round < 100);
	assert_int_equal(code, TB_EFULL);
	store_close(store);
	faults.room_bytes = 0;
	sim_disk_set_faults(disk, &faults);
	store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	assert_int_equal(read_round(store, 1), 1);
	assert_int_equal(write_round(store, 2, round), TB_OK);
	store_close(store);
}

static void test_a_commit_that_failed_late_may_be_there(void **state)
{
	unsigned there = 0, gone = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct sim_disk *disk = new_disk(state, 500 + i);
		struct sim_disk_faults late = {.write_fails_late = 1000000};
		struct sim_disk_faults none = {0};
		enum tb_code code;
		struct store *store = open_store(disk, &code);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		sim_disk_set_faults(disk, &late);
		assert_int_equal(write_round(store, 1, 2), TB_ESTORAGE);
		store_close(store);
		sim_disk_set_faults(disk, &none);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), 1);
		/* In the middle of the commit the power goes: the last call may have been the meta page's. */
		sim_disk_cut_after(disk, 3);
		(void)write_round(store, 1, 3);
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		uint64_t round = read_round(store, 1);
		assert_true(round == 1 || round == 3);
		there += round == 3;
		gone += round == 1;
		store_close(store);
	}
	assert_true(there > 0);
	assert_true(gone > 0);
}

/* What a node has looked at, it acts on: losing the power must not turn it into the other outcome. */
static void test_the_outcome_of_a_failed_commit_stays_as_it_was_first_seen(void **state)
{
	struct sim_disk_faults failing = {
		.write_fails = 150000, .write_fails_late = 300000, .sync_fails = 50000};
	struct sim_disk_faults none = {0};
	unsigned failed = 0, there = 0;
	for (unsigned i = 0; i < 400; i++) {
		struct sim_disk *disk = new_disk(state, 9000 + i);
		enum tb_code code;
		struct store *store = open_store(disk, &code);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		sim_disk_set_faults(disk, &failing);
		failed += write_round(store, 1, 2) != TB_OK;
		sim_disk_set_faults(disk, &none);
		store_close(store);
		sim_disk_crash(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		uint64_t seen = read_round(store, 1);
		there += seen == 2;
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), seen);
		store_close(store);
	}
	assert_true(failed > 100);
	assert_true(there > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_store_loses_no_acknowledged_commit_when_power_goes_within_one),
		SCENE(test_a_store_whose_making_is_cut_off_is_made_anew),
		SCENE(test_store_survives_failing_calls_and_loss_of_power),
		SCENE(test_the_same_seed_gives_the_same_faults),
		SCENE(test_a_full_disk_is_told_as_full),
		SCENE(test_a_commit_that_failed_late_may_be_there),
		SCENE(test_the_outcome_of_a_failed_commit_stays_as_it_was_first_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
