#include "node/io/now.h"

#include <pthread.h>
#include <time.h>

static int64_t read_ns(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

tb_time now_ms(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static int64_t given;    /* ns since 1970 */
	static int64_t given_at; /* CLOCK_BOOTTIME, which goes on while the machine sleeps */
	pthread_mutex_lock(&mutex);
	int64_t at = read_ns(CLOCK_BOOTTIME);
	int64_t wall = read_ns(CLOCK_REALTIME);
	int64_t least = given + (at - given_at) / 2;
	given = wall > least ? wall : least;
	given_at = at;
	int64_t now = given;
	pthread_mutex_unlock(&mutex);
	return now / 1000000;
}
