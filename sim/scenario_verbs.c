/* The words of scenario files: one table, which the reader, the player's order and the manual follow. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "sim/scenario_priv.h"

#define AT(field) offsetof(struct sim_step, field)
#define MODES "DS|QC|YS|YB"
#define EVENTS                                                                                        \
	"check|ask|bring|send|post|lost|sign|return|fix|close|accept|notify|supplement|refuse|start|" \
	"suspend|resume|extend|grant|deny|dispatch|hand_over|evaluate|repair|reopen|withdraw|consult"
#define STATES                                                                                \
	"unknown|draft|received|checking|window_waits|transfer|signed_for|returned|accepted|" \
	"not_accepted|correction|review|special|granted|denied|delivering|closed|withdrawn|terminated"
#define CLOCKS "notify|push|mail|recheck|decide|result|correction|joint|repair"

#define NODE                                   \
	{                                      \
		"node", V_NODE, AT(node), true \
	}
#define FOR                                    \
	{                                      \
		"for", V_SPAN, AT(span), false \
	}
#define LINK                                                              \
	{"from", V_NODE, AT(node), true}, {"to", V_NODE, AT(peer), true}, \
	{                                                                 \
		"one-way", V_FLAG, AT(flag), false                        \
	}
#define CASE                                         \
	{                                            \
		"case", V_CASE, AT(case_label), true \
	}
#define AGREEMENT                                             \
	{                                                     \
		"agreement", V_AGREEMENT, AT(agreement), true \
	}

const struct verb_row scenario_verbs[SIM_VERBS] = {
	[SIM_STEP_SUBMIT] = {"submit",
                             "A case is handed in at a window for its home region; the client repeats until "
                             "the node takes it. `mode` is DS if left out; with `by-hand` it stays at the "
                             "window until `act` sends it; `originals` chooses an item that asks for paper.",
                             false,
                             {{"case", V_NEW_CASE, AT(case_label), true},
                              {"window", V_NODE, AT(node), true},
                              {"home", V_NODE, AT(peer), true},
                              {"mode", V_WORD, AT(word), false, MODES},
                              {"material", V_BYTES, AT(number), false},
                              {"by-hand", V_FLAG, AT(flag), false},
                              {"originals", V_FLAG, AT(originals), false}}},
	[SIM_STEP_JOINT] =
		{"joint",
                 "A joint case (LB) is handed in: a part for each of the nodes of `parts`, all at "
                 "once or, with `in-order`, one after the other. The parts of case L are the cases "
                 "L.1, L.2 ...",
                 false,
                 {{"case", V_NEW_CASE, AT(case_label), true},
                  {"window", V_NODE, AT(node), true},
                  {"parts", V_GROUP, AT(group), true},
                  {"in-order", V_FLAG, AT(flag), false}}},
	[SIM_STEP_ACT] = {"act",
                          "Somebody on that side does this event; who may is looked up in the state table. "
                          "It waits while the node is down.",
                          false,
                          {CASE,
                           {"event", V_WORD, AT(word), true, EVENTS},
                           {"side", V_WORD, AT(side), true, "window|home"},
                           {"reason", V_TEXT, AT(text), false},
                           {"days", V_NUMBER, AT(number), false, NULL, 365},
                           {"grade", V_NUMBER, AT(number), false, NULL, 5}}},
	[SIM_STEP_VERIFY] = {"verify",
                             "A program asks for certificates of another region: right and wrong questions, "
                             "of every level of disclosure.",
                             false,
                             {{"from", V_NODE, AT(node), true},
                              {"to", V_NODE, AT(peer), true},
                              {"times", V_NUMBER, AT(number), false, NULL, 100000}}},
	[SIM_STEP_PROPOSE] = {"propose",
                              "An agreement on all items, modes and rights is proposed, and signed by who "
                              "proposes it. It ends so many calendar days after a notice.",
                              false,
                              {{"agreement", V_NEW_AGREEMENT, AT(agreement), true},
                               NODE,
                               {"parties", V_GROUP, AT(group), true},
                               {"notice-days", V_NUMBER, AT(number), false, NULL, 365}}},
	[SIM_STEP_SIGN] = {"sign",
                           "A party signs, as soon as the agreement is there.",
                           false,
                           {AGREEMENT, NODE}},
	[SIM_STEP_END] = {"end",
                          "A party gives notice.",
                          false,
                          {AGREEMENT, NODE, {"reason", V_TEXT, AT(text), false}}},
	[SIM_STEP_OPEN] = {"open",
                           "A matter is opened, and a region is asked to answer within so many working days "
                           "(5 if left out).",
                           false,
                           {{"matter", V_NEW_MATTER, AT(matter), true},
                            NODE,
                            {"ask", V_NODE, AT(peer), true},
                            {"about", V_WORD, AT(word), true,
                             "consultation|enquiry|complaint|dispute|supervision"},
                            {"case", V_CASE, AT(case_label), false},
                            {"days", V_NUMBER, AT(number), false, NULL, 90}}},
	[SIM_STEP_POST] =
		{"post",
                 "Something is said in a matter, as soon as it is there: a contribution, the answer "
                 "(of a complaint or a dispute with its outcome), or its end.",
                 false,
                 {{"matter", V_MATTER, AT(matter), true},
                  NODE,
                  {"does", V_WORD, AT(word), true, "says|answers|closes"},
                  {"outcome", V_WORD, AT(side), false, "upheld|partly_upheld|not_upheld"},
                  {"text", V_TEXT, AT(text), false}}},
	[SIM_STEP_CRASH] = {"crash",
                            "The process is killed; it starts again after `for`, or when `start` says so.",
                            false,
                            {NODE, FOR}},
	[SIM_STEP_POWER_LOSS] = {"power-loss",
                                 "The same, and what was not synced to the disk is lost or torn.",
                                 false,
                                 {NODE, FOR}},
	[SIM_STEP_PAUSE] = {"pause",
                            "The process stands still: calls to it are not answered.",
                            false,
                            {NODE, FOR}},
	[SIM_STEP_START] = {"start", "Starts it again, or lets it go on.", false, {NODE}},
	[SIM_STEP_BACKUP] = {"backup",
                             "A copy is taken of all that the node has on its disk.",
                             false,
                             {NODE}},
	[SIM_STEP_RESTORE] = {"restore",
                              "The operator's mistake: the copy is put back, and the node started.",
                              false,
                              {NODE}},
	[SIM_STEP_UPGRADE] =
		{"upgrade",
                 "The node is stopped in order, and started ten seconds later as another version.",
                 false,
                 {NODE}},
	[SIM_STEP_CLOCK] = {"clock",
                            "The node's clock steps by so much, and gains so many millionths from now on.",
                            false,
                            {NODE,
                             {"step", V_STEP, AT(span), false},
                             {"drift-ppm", V_NUMBER, AT(number), false, NULL, 100000, true}}},
	[SIM_STEP_DISK] = {"disk",
                           "The node's disk becomes full, failing (2 % of the calls), slow, or well again.",
                           false,
                           {NODE, {"is", V_WORD, AT(word), true, "full|failing|slow|well"}, FOR}},
	[SIM_STEP_ROT] = {"rot",
                          "A bit of a file of the node turns over while it is stopped.",
                          false,
                          {NODE, {"file", V_TEXT, AT(text), true}}},
	[SIM_STEP_CUT] = {"cut", "Nothing passes between the two.", false, {LINK, FOR}},
	[SIM_STEP_SLOW] = {"slow",
                           "What passes between the two takes so much longer.",
                           false,
                           {LINK, {"by", V_SPAN, AT(delay), true}, FOR}},
	[SIM_STEP_LOSE] = {"lose",
                           "So many of a hundred calls, and of the answers, are lost.",
                           false,
                           {LINK, {"percent", V_NUMBER, AT(number), true, NULL, 100}, FOR}},
	[SIM_STEP_SPLIT] = {"split",
                            "The nodes of the list are cut off from all others.",
                            false,
                            {{"nodes", V_GROUP, AT(group), true}, FOR}},
	[SIM_STEP_HEAL] = {"heal", "All links and disks are well, and all nodes run.", false, {{0}}},
	[SIM_STEP_HOSTILE] = {"hostile",
                              "One hostile act (section 7) of the node, against `to` or any partner.",
                              false,
                              {NODE, {"to", V_NODE, AT(peer), false}, {"does", V_WORD, AT(word), true}}},
	[SIM_EXPECT_CASE] = {"case-is",
                             "The case is in this state, as that node sees it; unknown: it is not there.",
                             true,
                             {CASE, NODE, {"state", V_WORD, AT(word), true, STATES}}},
	[SIM_EXPECT_DISPUTED] = {"disputed",
                                 "The case is marked as disputed at that node, or it is not.",
                                 true,
                                 {CASE, NODE, {"is", V_FLAG, AT(flag), true}}},
	[SIM_EXPECT_LIMIT] =
		{"limit",
                 "The limit runs at that node and its last day is `ends` (YYYY-MM-DD, or `none`: it "
                 "does not run).",
                 true,
                 {CASE, NODE, {"clock", V_WORD, AT(word), true, CLOCKS}, {"ends", V_TEXT, AT(text), true}}},
	[SIM_EXPECT_REFUSED] =
		{"refused",
                 "The last request about the case that was refused was refused in words that hold "
                 "these.",
                 true,
                 {CASE, {"says", V_TEXT, AT(text), true}}},
	[SIM_EXPECT_AGREEMENT] = {"agreement-is",
                                  "The agreement is in this state at that node; unknown: it is not there.",
                                  true,
                                  {AGREEMENT,
                                   NODE,
                                   {"state", V_WORD, AT(word), true,
                                    "unknown|proposed|signed|in_force|ended|replaced"}}},
	[SIM_EXPECT_MATTER] = {"matter-is",
                               "The matter is in this state at that node, with this outcome if one is given.",
                               true,
                               {{"matter", V_MATTER, AT(matter), true},
                                NODE,
                                {"state", V_WORD, AT(word), true, "unknown|open|answered|closed"},
                                {"outcome", V_WORD, AT(side), false, "upheld|partly_upheld|not_upheld"}}},
	[SIM_EXPECT_MARK] = {"mark",
                             "This rare branch (section 6) was reached at least so often; once if left out.",
                             true,
                             {{"name", V_WORD, AT(word), true},
                              {"times", V_NUMBER, AT(number), false, NULL, 1000000}}},
	[SIM_EXPECT_QUIET] = {"quiet", "No node has anything left to send.", true, {{0}}},
};

const char *sim_verb_word(enum sim_verb verb)
{
	return scenario_verbs[verb].word;
}

const char *sim_verb_sentence(enum sim_verb verb)
{
	return scenario_verbs[verb].sentence;
}

bool sim_verb_expects(enum sim_verb verb)
{
	return scenario_verbs[verb].expects;
}

bool scenario_is_choice(const char *choices, const char *text)
{
	size_t size = strlen(text);
	for (const char *at = choices; *at;) {
		size_t word = strcspn(at, "|");
		if (word == size && memcmp(at, text, size) == 0)
			return true;
		at += word + (at[word] == '|');
	}
	return false;
}

/* ---- for the manual */

static const char *kind_words(enum value_kind kind)
{
	switch (kind) {
	case V_NODE:
		return "node";
	case V_GROUP:
		return "[node, ...]";
	case V_NEW_CASE:
	case V_NEW_AGREEMENT:
	case V_NEW_MATTER:
		return "a new name";
	case V_CASE:
	case V_AGREEMENT:
	case V_MATTER:
		return "its name";
	case V_WORD:
		return "word";
	case V_TEXT:
		return "text";
	case V_NUMBER:
		return "number";
	case V_BYTES:
		return "size, 3MiB";
	case V_SPAN:
		return "span, 1h30m";
	case V_STEP:
		return "span, -90s";
	case V_FLAG:
		return "true or false";
	}
	return "";
}

static void choices_words(struct tb_buf *out, const char *choices)
{
	for (; *choices; choices++) {
		if (*choices == '|')
			tb_buf_str(out, ", ");
		else
			tb_buf_add(out, choices, 1);
	}
}

void sim_verb_fields(struct tb_buf *out, enum sim_verb verb)
{
	const struct verb_row *row = &scenario_verbs[verb];
	for (size_t i = 0; i < KEYS_MAX && row->keys[i].key; i++) {
		const struct key_row *key = &row->keys[i];
		tb_buf_printf(out, "%s%s`%s`: ", i ? "; " : "", key->required ? "" : "optional ", key->key);
		if (key->choices)
			choices_words(out, key->choices);
		else
			tb_buf_str(out, kind_words(key->kind));
		if (key->kind == V_NUMBER)
			tb_buf_printf(out, " %s %" PRId64, key->low ? "up or down to" : "to", key->most);
	}
	if (!row->keys[0].key)
		tb_buf_str(out, "none: `{}`");
}
