#include "sim/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"

bool sim_trace_event(struct sim_trace *trace, uint64_t hash, int64_t at, const char *name)
{
	struct sim_traced now = {hash, at, name};
	if (++trace->told > SIM_TRACE_MOST && trace->told % SIM_TRACE_EVERY != 0)
		return true;
	if (!trace->compares) {
		if (trace->count == trace->room) {
			trace->room = trace->room ? 2 * trace->room : 4096;
			trace->events = tb_realloc(trace->events, trace->room * sizeof(*trace->events));
		}
		trace->events[trace->count++] = now;
		return true;
	}
	const struct sim_traced *first =
		trace->compared < trace->count ? &trace->events[trace->compared++] : NULL;
	if (first && first->hash == hash && first->at == at)
		return true;
	trace->first = first ? *first : (struct sim_traced){.name = "the end"};
	trace->differs = trace->told;
	trace->other = now;
	return false;
}

void sim_trace_again(struct sim_trace *trace)
{
	trace->compares = true;
	trace->told = 0;
	trace->compared = 0;
	trace->differs = 0;
}

void sim_trace_clear(struct sim_trace *trace)
{
	free(trace->events);
	*trace = (struct sim_trace){0};
}

static void moment(char out[40], int64_t at)
{
	char day[11];
	tb_day on = tb_day_at(at / 1000);
	int64_t since = at - tb_day_start(on) * 1000, second = 1000000;
	tb_day_format(day, on);
	snprintf(out, 40, "%s %02d:%02d:%02d.%06d", day, (int)(since / (3600 * second)),
	         (int)(since / (60 * second) % 60), (int)(since / second % 60), (int)(since % second));
}

void sim_trace_words(char *out, size_t room, const struct sim_trace *trace)
{
	char when[40], other[40];
	const struct sim_traced *first = &trace->first;
	if (trace->differs == 0) {
		snprintf(out, room, "the end, after %" PRIu64 " events", trace->told);
		return;
	}
	moment(when, first->at);
	moment(other, trace->other.at);
	if (strcmp(first->name, trace->other.name) == 0 && first->at == trace->other.at)
		snprintf(out, room, "event %" PRIu64 ", %s: \"%s\" came out differently", trace->differs,
		         when, first->name);
	else
		snprintf(out, room, "event %" PRIu64 ": \"%s\" at %s, then \"%s\" at %s", trace->differs,
		         first->name, when, trace->other.name, other);
}
