/* How often codes that open a case may be tried at kiosks (查询码, the code of applicant or agent).
 *
 * A try is taken before the code is looked at, so that many at one time are counted too, and given back if it
 * was right. Tries are counted for the token, for the address that it came from, and for the case. What is
 * counted lives in memory: a restart forgets it. Any thread. */
#pragma once

#include "base/error.h"
#include "base/time.h"

enum {
	GUESSES_OF_TOKEN = 10, /* wrong ones at once; then one each GUESSES_TOKEN_MS */
	GUESSES_OF_ADDRESS = 30,
	GUESSES_OF_CASE = 10,
	GUESSES_TOKEN_MS = 2 * 60 * 1000,
	GUESSES_ADDRESS_MS = 60 * 1000,
	GUESSES_CASE_MS = 10 * 60 * 1000,
};

struct guesses;

struct guesses *guesses_new(void);
void guesses_free(struct guesses *guesses);

/* Takes a try of |token| from |address| ("": none) at the case |number|.
 *
 * TB_ETHROTTLED  there were too many wrong ones; says when there may be another */
TB_MUST_CHECK enum tb_code guesses_take(struct guesses *guesses, const char *token, const char *address,
                                        const char *number, tb_time now, struct tb_error *err);
/* The code was right. */
void guesses_give_back(struct guesses *guesses, const char *token, const char *address, const char *number);
