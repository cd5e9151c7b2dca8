/* A small fixed pool of threads and a queue of jobs, first in, first out.
 *
 * For work that costs CPU or waits for the disk: signing, checking, hashing, reading stored chunks. Jobs run
 * at once as far as there are threads; which thread runs a job, and in which order two jobs end, is not said.
 * A job may add jobs. The queue has no bound of its own: whoever adds work bounds how much of it can be under
 * way. */
#pragma once

#include <stddef.h>

struct workers;

/* Starts |count| threads (at least 1). Signals are blocked in them, so that the thread that waits for SIGTERM
 * gets it. */
struct workers *workers_new(size_t count);

/* Queues fn(arg). Any thread, until workers_drain_and_free() has returned. */
void workers_add(struct workers *workers, void (*fn)(void *arg), void *arg);

/* Jobs that wait for a thread now, those that run not counted. For metrics. Any thread. */
size_t workers_waiting(struct workers *workers);

/* Runs what is queued, and what those jobs add, to its end; then stops the threads and frees the pool. Not
 * from a job; NULL is nothing. */
void workers_drain_and_free(struct workers *workers);
