/* Sometimes-marks: rare branches that a campaign must reach, seen from outside the core. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* name, name in reports, required in the standard campaign, sentence */
#define SIM_MARK_MAP(XX)                                                                                    \
	XX(SIM_MARK_CLOSED, "case-closed", true, "a case went all the way and was closed")                  \
	XX(SIM_MARK_RECEIPT_RESENT, "receipt-lost-then-resent", true,                                       \
	   "a receipt was lost, the message came again, and the original receipt was given")                \
	XX(SIM_MARK_DUPLICATE, "message-twice", true, "the same request arrived twice")                     \
	XX(SIM_MARK_HANDOVER_CRASH, "hand-over-crosses-crash", true,                                        \
	   "a node went down while a hand-over of its own was on its way")                                  \
	XX(SIM_MARK_EFFECTS_LOST, "effects-lost", true, "a turn was durable, but its effects never left")   \
	XX(SIM_MARK_COMMIT_FAILED, "commit-failed", true, "a commit failed, and the node began anew")       \
	XX(SIM_MARK_POWER_IN_COMMIT, "power-lost-in-commit", true,                                          \
	   "the power went off in the middle of one")                                                       \
	XX(SIM_MARK_MATERIAL_RESUMED, "material-resumed", true, "a fetch went on behind its first chunk")   \
	XX(SIM_MARK_MATERIAL_TWICE, "material-resumed-twice", true,                                         \
	   "a fetch broke off, was resumed, broke off and was resumed")                                     \
	XX(SIM_MARK_MATERIAL_CUT, "material-cut", true, "a stream of a material broke off")                 \
	XX(SIM_MARK_DEEMED, "deemed-acceptance", true, "a case was accepted because nobody spoke in time")  \
	XX(SIM_MARK_LAPSED, "supplement-lapsed", true, "a supplement was not brought in time")              \
	XX(SIM_MARK_OVERDUE, "clock-overdue", true, "a clock ran out that moves nothing")                   \
	XX(SIM_MARK_WITHDRAW_BEATEN, "withdraw-beaten", true, "a withdrawal came too late and was refused") \
	XX(SIM_MARK_WITHDRAWN, "withdrawn", true, "a case was withdrawn")                                   \
	XX(SIM_MARK_RETURNED, "returned-and-fixed", true, "a case was returned, taken up and sent again")   \
	XX(SIM_MARK_BOUNCED, "package-bounced", true, "a package was refused and the window had it back")   \
	XX(SIM_MARK_SUPPLEMENTED, "supplemented", true, "a supplement was proposed and ordered")            \
	XX(SIM_MARK_CLIENT_REPEATED, "client-repeated", true, "a client asked twice and got the same case") \
	XX(SIM_MARK_DEFERRED, "message-deferred", true, "a message came before the one that it follows")    \
	XX(SIM_MARK_DEAD_LETTER, "dead-letter", true, "a message was given up")                             \
	XX(SIM_MARK_RESTORED, "backup-restored", true, "a node came back with an older backup")             \
	XX(SIM_MARK_REPLAY_REFUSED, "replay-refused", true, "a batch that came again was refused")          \
	XX(SIM_MARK_FORK_REFUSED, "fork-refused", true, "the same id with other content was refused")       \
	XX(SIM_MARK_FORGERY_REFUSED, "forgery-refused", true,                                               \
	   "receipts or answers were refused that were none")                                               \
	XX(SIM_MARK_PART_REFUSED, "part-refused", true, "an altered part of a material was refused")        \
	XX(SIM_MARK_CLOCK_REFUSED, "clock-refused", true, "a batch was refused for its sender's clock")     \
	XX(SIM_MARK_THROTTLED, "throttled", true, "a peer that asked too much was throttled")               \
	XX(SIM_MARK_ONLINE, "granted-online", true, "what was applied for online was granted")              \
	XX(SIM_MARK_DELEGATED, "decided-elsewhere", true, "a window's region decided in another's name")    \
	XX(SIM_MARK_ELSEWHERE, "accepted-elsewhere", true,                                                  \
	   "a window's region accepted what another decides")                                               \
	XX(SIM_MARK_JOINT, "joint-granted", true, "a joint case was granted")                               \
	XX(SIM_MARK_RESTED, "joint-limit-rested", true, "a joint limit rested for one of the parts")        \
	XX(SIM_MARK_COMPENSATED, "part-taken-back", true, "a part was taken back because of another")       \
	XX(SIM_MARK_PACT_ENDED, "agreement-ended", true, "an agreement was ended by notice")                \
	XX(SIM_MARK_THIRD_SIGNED, "third-party-signs-last", true,                                           \
	   "an agreement of three or more was signed by the last of them")                                  \
	XX(SIM_MARK_AMENDED_OPEN, "agreement-amended-while-a-case-is-open", true,                           \
	   "a later version came into force while a case under an earlier one was open")                    \
	XX(SIM_MARK_AMENDMENTS_CROSSED, "amendments-crossed", true,                                         \
	   "two parties proposed the same version, neither knowing of the other")                           \
	XX(SIM_MARK_OVERTAKEN, "text-overtaken", true,                                                      \
	   "of two proposals that crossed one took the place of the other")                                 \
	XX(SIM_MARK_ALLIANCE_ENDED, "alliance-ended", true, "one of three or more gave notice")             \
	XX(SIM_MARK_UNANSWERED, "matter-overdue", true, "a matter was not answered in time")                \
	XX(SIM_MARK_DOCUMENT, "document-disclosed", true,                                                   \
	   "a sealed certificate was disclosed and its seal held")                                          \
	XX(SIM_MARK_NOT_CONFIRMED, "not-confirmed", true, "a wrong guess was not confirmed")                \
	XX(SIM_MARK_UPGRADED, "upgraded", true, "a node ran the next release beside nodes of this one")     \
	XX(SIM_MARK_ROT_FOUND, "rot-found", false, "a value that had turned over was refused")

enum sim_mark {
#define XX(name, word, required, sentence) name,
	SIM_MARK_MAP(XX)
#undef XX
		SIM_MARKS
};

struct sim_marks {
	uint64_t counts[SIM_MARKS];
};

static inline void sim_mark(struct sim_marks *marks, enum sim_mark mark)
{
	marks->counts[mark]++;
}

const char *sim_mark_word(enum sim_mark mark);
const char *sim_mark_sentence(enum sim_mark mark);
bool sim_mark_required(enum sim_mark mark);
