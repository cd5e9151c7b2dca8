#include "sim/marks.h"

static const struct {
	const char *word;
	const char *sentence;
	bool required;
} rows[] = {
#define XX(name, word, required, sentence) {word, sentence, required},
	SIM_MARK_MAP(XX)
#undef XX
};

const char *sim_mark_word(enum sim_mark mark)
{
	return rows[mark].word;
}

const char *sim_mark_sentence(enum sim_mark mark)
{
	return rows[mark].sentence;
}

bool sim_mark_required(enum sim_mark mark)
{
	return rows[mark].required;
}
