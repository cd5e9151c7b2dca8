#include "node/io/now.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic tb_time last;

tb_time now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	tb_time now = (tb_time)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	tb_time seen = atomic_load(&last);
	while (now > seen) {
		if (atomic_compare_exchange_weak(&last, &seen, now))
			return now;
	}
	return seen;
}
