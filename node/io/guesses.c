#include "node/io/guesses.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
	ROWS_MAX = 1024,
	NAME_ROOM = 64, /* cut: what begins alike shares a row */
	KINDS = 3,
};

static const struct kind {
	char letter;
	int at_once;
	tb_time each;          /* ms */
	enum tb_reason reason; /* too many of this kind */
} kinds[KINDS] = {
	{'t', GUESSES_OF_TOKEN, GUESSES_TOKEN_MS, TB_REASON_CODES_OF_TOKEN},
	{'a', GUESSES_OF_ADDRESS, GUESSES_ADDRESS_MS, TB_REASON_CODES_OF_ADDRESS},
	{'c', GUESSES_OF_CASE, GUESSES_CASE_MS, TB_REASON_CODES_OF_CASE},
};

struct row {
	char name[NAME_ROOM]; /* the kind's letter, then whose; "": unused */
	tb_time full_at;      /* when all tries are there again */
};

struct guesses {
	pthread_mutex_t mutex;
	struct row rows[ROWS_MAX];
};

struct guesses *guesses_new(void)
{
	struct guesses *guesses = tb_alloc(sizeof(*guesses));
	pthread_mutex_init(&guesses->mutex, NULL);
	return guesses;
}

void guesses_free(struct guesses *guesses)
{
	if (!guesses)
		return;
	pthread_mutex_destroy(&guesses->mutex);
	free(guesses);
}

static void name_of(char out[NAME_ROOM], const struct kind *kind, const char *whose)
{
	snprintf(out, NAME_ROOM, "%c%s", kind->letter, whose);
}

static struct row *find(struct guesses *guesses, const char *name)
{
	for (size_t i = 0; i < ROWS_MAX; i++) {
		if (strcmp(guesses->rows[i].name, name) == 0)
			return &guesses->rows[i];
	}
	return NULL;
}

/* One that is not known gets the row that says least: unused, full again, or nearest to it. */
static struct row *find_or_take(struct guesses *guesses, const char name[NAME_ROOM])
{
	struct row *row = find(guesses, name), *least = &guesses->rows[0];
	if (row)
		return row;
	for (size_t i = 1; i < ROWS_MAX; i++) {
		if (guesses->rows[i].full_at < least->full_at)
			least = &guesses->rows[i];
	}
	*least = (struct row){0};
	memcpy(least->name, name, strlen(name) + 1);
	return least;
}

/* How long it is until the row has one to give: 0, now. */
static tb_time wait_of(struct row *row, const struct kind *kind, tb_time now)
{
	tb_time most = now + kind->at_once * kind->each;
	if (row->full_at > most) /* the clock was set back */
		row->full_at = most;
	tb_time wait = row->full_at + kind->each - most;
	return wait > 0 ? wait : 0;
}

static void take_one(struct row *row, const struct kind *kind, tb_time now)
{
	row->full_at = (row->full_at < now ? now : row->full_at) + kind->each;
}

enum tb_code guesses_take(struct guesses *guesses, const char *token, const char *address, const char *number,
                          tb_time now, struct tb_error *err)
{
	const char *const whose[KINDS] = {token, address, number};
	const struct kind *over = NULL;
	char names[KINDS][NAME_ROOM];
	tb_time wait = 0;
	pthread_mutex_lock(&guesses->mutex);
	for (size_t i = 0; i < KINDS; i++) {
		name_of(names[i], &kinds[i], whose[i]);
		struct row *row = whose[i][0] ? find(guesses, names[i]) : NULL;
		tb_time one = row ? wait_of(row, &kinds[i], now) : 0;
		if (one > wait) {
			wait = one;
			over = &kinds[i];
		}
	}
	for (size_t i = 0; i < KINDS && !over; i++) {
		if (whose[i][0])
			take_one(find_or_take(guesses, names[i]), &kinds[i], now);
	}
	pthread_mutex_unlock(&guesses->mutex);
	if (!over)
		return TB_OK;
	return tb_refuse(err, over->reason, TB_NUMBER((wait + TB_SECOND - 1) / TB_SECOND), NULL);
}

void guesses_give_back(struct guesses *guesses, const char *token, const char *address, const char *number)
{
	const char *const whose[KINDS] = {token, address, number};
	pthread_mutex_lock(&guesses->mutex);
	for (size_t i = 0; i < KINDS; i++) {
		char name[NAME_ROOM];
		name_of(name, &kinds[i], whose[i]);
		struct row *row = whose[i][0] ? find(guesses, name) : NULL;
		if (row)
			row->full_at -= kinds[i].each;
	}
	pthread_mutex_unlock(&guesses->mutex);
}
