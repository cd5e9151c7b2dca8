#include "node/io/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/bytes.h"

struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work; /* a job is queued, or |ending| and the last one has ended */
	struct job *first;
	struct job **last;
	size_t waiting;
	size_t running;
	bool ending;
	size_t count;
	pthread_t threads[];
};

static struct job *next_job(struct workers *workers)
{
	/* A running job may add another, so the pool is drained only when nothing runs either. */
	while (!workers->first && !(workers->ending && workers->running == 0))
		pthread_cond_wait(&workers->work, &workers->lock);
	struct job *job = workers->first;
	if (!job)
		return NULL;
	workers->first = job->next;
	if (!workers->first)
		workers->last = &workers->first;
	workers->waiting--;
	return job;
}

static void *run(void *arg)
{
	struct workers *workers = arg;
	pthread_mutex_lock(&workers->lock);
	for (struct job *job; (job = next_job(workers)) != NULL;) {
		workers->running++;
		pthread_mutex_unlock(&workers->lock);
		job->fn(job->arg);
		free(job);
		pthread_mutex_lock(&workers->lock);
		workers->running--;
		if (workers->ending && workers->running == 0 && !workers->first)
			pthread_cond_broadcast(&workers->work);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

struct workers *workers_new(size_t count)
{
	assert(count > 0);
	struct workers *workers = tb_alloc(sizeof(*workers) + count * sizeof(workers->threads[0]));
	workers->last = &workers->first;
	workers->count = count;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->work, NULL);

	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < count; i++) {
		/* Like memory that cannot be had: the node stops and is started anew. */
		if (pthread_create(&workers->threads[i], NULL, run, workers) != 0)
			abort();
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return workers;
}

void workers_add(struct workers *workers, void (*fn)(void *arg), void *arg)
{
	struct job *job = tb_alloc(sizeof(*job));
	job->fn = fn;
	job->arg = arg;
	pthread_mutex_lock(&workers->lock);
	*workers->last = job;
	workers->last = &job->next;
	workers->waiting++;
	pthread_cond_signal(&workers->work);
	pthread_mutex_unlock(&workers->lock);
}

size_t workers_waiting(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	size_t waiting = workers->waiting;
	pthread_mutex_unlock(&workers->lock);
	return waiting;
}

void workers_drain_and_free(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	pthread_cond_broadcast(&workers->work);
	pthread_mutex_unlock(&workers->lock);
	for (size_t i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->work);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
