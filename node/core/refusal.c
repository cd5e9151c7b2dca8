/* What peers' input was refused as a whole, and which codes were tried in vain, in the audit log: the first
 * of its kind at once; what follows is counted and told once a minute, so that a peer that floods does not
 * fill the log. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/turn.h"

struct core_refusal core_refusal_of(const char *peer, const char *what, struct tb_bytes bytes,
                                    const struct tb_error *err)
{
	struct core_refusal refusal = {.what = what, .code = err->code};
	snprintf(refusal.peer, sizeof(refusal.peer), "%.6s", peer);
	pki_sha256(refusal.digest, bytes);
	return refusal;
}

struct core_refusal core_refusal_of_code(const char *token, const char *number, enum tb_code code)
{
	struct core_refusal refusal = {.what = "openWith", .code = code};
	snprintf(refusal.token, sizeof(refusal.token), "%s", token);
	pki_sha256(refusal.digest, tb_bytes_str(number));
	return refusal;
}

static bool passed(tb_time until, tb_time now)
{
	return now >= until || until > now + REFUSED_SPAN; /* the clock was set back */
}

static struct refused *slot_of(struct refused slots[REFUSED_KINDS], const char *what, const char *token,
                               enum tb_code code, tb_time now)
{
	struct refused *others = &slots[REFUSED_KINDS - 1], *unused = NULL;
	for (struct refused *slot = slots; slot < others; slot++) {
		if (slot->what && strcmp(slot->what, what) == 0 && strcmp(slot->token, token) == 0 &&
		    slot->code == code)
			return slot;
		if (!unused && (!slot->what || (slot->more == 0 && passed(slot->until, now))))
			unused = slot;
	}
	if (unused) {
		*unused = (struct refused){.what = what, .code = code, .until = now};
		snprintf(unused->token, sizeof(unused->token), "%s", token);
		return unused;
	}
	if (!others->what)
		*others = (struct refused){.what = "other", .until = now};
	others->code = code;
	return others;
}

static void tell(struct turn *turn, const char *peer, struct refused *slot, uint32_t count)
{
	char subject[64 + sizeof(slot->token)];
	snprintf(subject, sizeof(subject), "%s: %s%s%s", slot->what, tb_code_name(slot->code),
	         slot->token[0] ? ", token " : "", slot->token);
	audit_add(turn, PB_LEAF_KIND__LEAF_REFUSED, tb_arena_str(&turn->arena, subject), peer,
	          tb_bytes_of(slot->digest, PKI_HASH_BYTES), count);
	turn_log(turn, TB_LOG_WARN, slot->token[0] ? "token.refused" : "peer.refused", peer, "",
	         "%s, %u times", subject, count);
	slot->until = turn->now + REFUSED_SPAN;
	slot->more = 0;
}

static void note(struct turn *turn, struct refused *slot, const char *peer, struct tb_bytes digest)
{
	turn->core->refused++;
	if (digest.size == PKI_HASH_BYTES)
		memcpy(slot->digest, digest.data, PKI_HASH_BYTES);
	if (passed(slot->until, turn->now) && slot->more == 0)
		tell(turn, peer, slot, 1);
	else
		slot->more++;
}

void refusal_note(struct turn *turn, const char *peer, const char *what, enum tb_code code,
                  struct tb_bytes digest)
{
	struct peer_state *state = core_peer_state(turn->core, peer);
	/* Who asks too early (TB_ESTATE) does nothing wrong. */
	if (tb_code_fault(code) != TB_FAULT_PEER || code == TB_ESTATE)
		return;
	struct refused *slots = state ? state->refused : turn->core->strangers;
	note(turn, slot_of(slots, what, "", code, turn->now), peer, digest);
}

void refusal_apply(struct turn *turn, const struct core_refusal *refusal)
{
	struct tb_bytes digest = tb_bytes_of(refusal->digest, PKI_HASH_BYTES);
	if (refusal->token[0])
		note(turn,
		     slot_of(turn->core->strangers, refusal->what, refusal->token, refusal->code, turn->now),
		     "", digest);
	else
		refusal_note(turn, refusal->peer, refusal->what, refusal->code, digest);
}

static tb_time tell_counted(struct turn *turn, const char *peer, struct refused slots[REFUSED_KINDS])
{
	tb_time next = INT64_MAX;
	for (size_t i = 0; i < REFUSED_KINDS; i++) {
		struct refused *slot = &slots[i];
		if (slot->more == 0)
			continue;
		if (passed(slot->until, turn->now))
			tell(turn, peer, slot, slot->more);
		else
			next = slot->until < next ? slot->until : next;
	}
	return next;
}

tb_time refusal_finish(struct turn *turn)
{
	struct core *core = turn->core;
	tb_time next = tell_counted(turn, "", core->strangers);
	for (size_t i = 0; i < core->states_count; i++) {
		tb_time one = tell_counted(turn, core->states[i].region, core->states[i].refused);
		next = one < next ? one : next;
	}
	return next;
}
