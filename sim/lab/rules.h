/* What must hold, by name. */
#pragma once

#include <stdint.h>

/* name, name in reports, sentence */
#define LAB_RULE_MAP(XX)                                                                                    \
	XX(LAB_RULE_ACKED, "acknowledged-stays", "every case that a client was told of is at its node")     \
	XX(LAB_RULE_ONE_LOG, "one-log",                                                                     \
	   "both nodes hold the same log of a case, without a gap, and neither is in dispute")              \
	XX(LAB_RULE_ONCE, "effect-once",                                                                    \
	   "a request id gives one case however often it was sent, and no other case has come about")       \
	XX(LAB_RULE_ACTS, "acts-stay",                                                                      \
	   "an act that was acknowledged is in the log once, one refused is not")                           \
	XX(LAB_RULE_MATERIAL, "materials-whole",                                                            \
	   "a material that was acknowledged is complete and the same bytes, also where its case went")     \
	XX(LAB_RULE_CREDENTIAL, "certificates-stay",                                                        \
	   "an import that was acknowledged is there, once, and valid")                                     \
	XX(LAB_RULE_TRUTH, "answers-are-true", "a verification says what the home region holds")            \
	XX(LAB_RULE_HISTORY, "history-grows",                                                               \
	   "every checkpoint that was shown is a part of the log at the end")                               \
	XX(LAB_RULE_INTACT, "history-intact", "the audit log computes to its checkpoints")                  \
	XX(LAB_RULE_DEAD, "dead-letters-explain", "no message is given up without a reason")                \
	XX(LAB_RULE_DAMAGE, "no-damage", "no call finds damage, none fails inside while the disk has room") \
	XX(LAB_RULE_RESTORED, "restored-as-documented",                                                     \
	   "after an old backup the logs are the same, one continues the other, or dispute is shown")

enum lab_rule {
#define XX(name, word, sentence) name,
	LAB_RULE_MAP(XX)
#undef XX
		LAB_RULES
};

struct lab_rule_count {
	uint64_t checked;
	uint64_t broken;
	char first[256]; /* the first time it broke, in words */
};

const char *lab_rule_word(enum lab_rule rule);
const char *lab_rule_sentence(enum lab_rule rule);
