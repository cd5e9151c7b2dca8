/* Two cores in one process, each with a real store, joined by a wire that the test holds in its hands:
 * nothing moves but by pair_run(), time stands still but by the test, and any call can be lost on either way.
 */
#pragma once

#include "tests/pki/region.h"
#include "tests/storage/scratch.h"

#include "node/core/calendar.h"
#include "node/core/material.h"
#include "node/core/region.h"
#include "node/core/turn.h"

#define WINDOW "620100"
#define HOME "320400"
#define ITEM "123204000000000013320001000001A"

struct queue {
	struct core_event events[4096];
	size_t count;
};

struct side {
	struct region region;
	struct core_setup setup;
	struct peer_set *peers;
	struct core *core;
	struct queue waiting;
	char dir[128];
	tb_time wake;
	struct core_request *replied; /* the last reply, until the next */
	unsigned fetches_cut;         /* cut that many fetches after one part */
	unsigned logged_errors;
	const char *authorization; /* of pair_call(): "Bearer tb_..."; NULL: the socket's owner */
};

/* What the wire does to a call: by its number. */
enum fate { ARRIVES, REQUEST_LOST, ANSWER_LOST };

struct pair;

/* What a side answered to an injected call. */
struct pair_reply {
	struct tb_error error; /* of a call that was refused as a whole */
	struct tb_buf bytes;   /* the signed answer, as it would travel */
	struct pki_batch *batch;
	proto_message **messages; /* its items, decoded; in the batch's arena */
};

struct pair {
	struct scratch *scratch;
	struct regions *regions;
	struct calendar *calendar;
	struct side window;
	struct side home;
	tb_time now;
	enum fate (*fate)(struct pair *pair, const struct core_outbound *outbound);
	/* Sees, and may replace, the bytes that |from| answers to a call. */
	void (*answering)(struct pair *pair, struct side *from, const struct core_inbound *inbound,
	                  struct tb_buf *bytes);
	/* Sees, and may replace, a part of a material before |to| takes it. */
	void (*sending_part)(struct pair *pair, struct side *to, struct tb_buf *part);
	struct pair_reply *injected; /* where the answer to an injected call goes */
	void *test;                  /* the test's own */
	unsigned calls;
	uint8_t seed;
	bool parted;  /* the wire is down */
	bool holding; /* the next fetch begins, and goes on with pair_fetch_held() only */
	struct core_fetch *held;
	struct side *holder; /* whose it is */
};

/* How often the sides of a new pair ask each other for their descriptions; 0: as usual. Stories of weeks are
 * told sooner with hours. */
extern tb_time pair_describe_every;
struct pair *pair_new(struct scratch *scratch);
void pair_free(struct pair *pair);
/* Runs turns until nothing moves at this time. */
void pair_run(struct pair *pair);
/* Lets the fetch that was held go on; its end is heard of in the next run. */
void pair_fetch_held(struct pair *pair);
/* Moves the time and runs. */
void pair_pass(struct pair *pair, tb_time span);
/* Sets the clocks of both sides back; what was to be woken is woken after the same span as before. */
void pair_set_back(struct pair *pair, tb_time span);
/* Closes and opens a side: what is not in the store is gone. */
void pair_crash(struct pair *pair, struct side *side);
void pair_close(struct side *side);
void pair_open(struct pair *pair, struct side *side);
/* Opens a side whose store may be damaged, or not its own. On failure it is closed as before. */
enum tb_code pair_try_open(struct pair *pair, struct side *side, struct tb_error *err);
struct side *pair_side(struct pair *pair, const char *region);

/* Gives |bytes| to |to| as a call of |peer|, as if |peer|'s link had brought them, and runs. TB_OK if it was
 * answered; |reply|, if given, has the answer and is to be cleared. */
enum tb_code pair_inject(struct pair *pair, struct side *to, enum core_call call, const char *peer,
                         struct tb_bytes bytes, struct pair_reply *reply);
void pair_reply_clear(struct pair_reply *reply);
/* |side|'s peers are |set| from now on; takes |set|. */
void pair_set_peers(struct pair *pair, struct side *side, struct peer_set *set);

/* Calls the local API of |side| with JSON, runs, and gives the reply; NULL and *code when it was refused. */
proto_message *pair_call(struct pair *pair, struct side *side, const char *path, const char *json,
                         enum tb_code *code);
/* The same where a refusal fails the test. */
proto_message *pair_ask(struct pair *pair, struct side *side, const char *path, const char *json);
/* The text of the last refusal. */
const char *pair_refusal(const struct side *side);

/* A case by number, as |side| sees it; lives until the side's next call. */
PbCaseView *pair_case(struct pair *pair, struct side *side, const char *number);
/* The ordinary application as JSON, with |material| as pair_upload() gives it. */
void pair_application(char json[2048], const char *material, const char *request_id, bool forward);
/* Submits the ordinary case and gives its number. */
void pair_submit(struct pair *pair, bool forward, char number[32]);
/* The same at |side| by |role| in |mode|; TB_OK or the refusal. */
TB_MUST_CHECK enum tb_code pair_submit_as(struct pair *pair, struct side *side, const char *mode,
                                          const char *role, bool forward, char number[32]);
/* CaseService.Act; TB_OK or the refusal. |more| is JSON members, e.g. "\"detail\":{\"reason\":\"x\"}". */
enum tb_code pair_act(struct pair *pair, struct side *side, const char *number, const char *event,
                      const char *role, const char *more);
/* Uploads |size| bytes at |side|; gives the material as JSON members. */
void pair_upload(struct pair *pair, struct side *side, size_t size, uint8_t fill, char json[512]);
/* Both logs are the same, byte for byte. */
void pair_assert_equal_logs(struct pair *pair, const char *number);
/* An agreement of both sides, in force, with this one term (JSON); YS and YB need one. */
void pair_agree(struct pair *pair, const char *term);
