/* For the thread sanitizer: what a call of gRPC orders.
 *
 * The library is not built with the sanitizer, so that the way from the thread which begins an operation to
 * the one which takes it from the completion queue is not seen. The linker puts these in between (--wrap). */
#include <grpc/grpc.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

grpc_call_error __real_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t count, void *tag,
                                             void *reserved);
grpc_call_error __wrap_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t count, void *tag,
                                             void *reserved);
grpc_call_error __real_grpc_server_request_call(grpc_server *server, grpc_call **call,
                                                grpc_call_details *details, grpc_metadata_array *metadata,
                                                grpc_completion_queue *bound, grpc_completion_queue *notified,
                                                void *tag);
grpc_call_error __wrap_grpc_server_request_call(grpc_server *server, grpc_call **call,
                                                grpc_call_details *details, grpc_metadata_array *metadata,
                                                grpc_completion_queue *bound, grpc_completion_queue *notified,
                                                void *tag);
grpc_event __real_grpc_completion_queue_next(grpc_completion_queue *queue, gpr_timespec deadline,
                                             void *reserved);
grpc_event __wrap_grpc_completion_queue_next(grpc_completion_queue *queue, gpr_timespec deadline,
                                             void *reserved);

grpc_call_error __wrap_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t count, void *tag,
                                             void *reserved)
{
	__tsan_release(tag);
	return __real_grpc_call_start_batch(call, ops, count, tag, reserved);
}

grpc_call_error __wrap_grpc_server_request_call(grpc_server *server, grpc_call **call,
                                                grpc_call_details *details, grpc_metadata_array *metadata,
                                                grpc_completion_queue *bound, grpc_completion_queue *notified,
                                                void *tag)
{
	__tsan_release(tag);
	return __real_grpc_server_request_call(server, call, details, metadata, bound, notified, tag);
}

grpc_event __wrap_grpc_completion_queue_next(grpc_completion_queue *queue, gpr_timespec deadline,
                                             void *reserved)
{
	grpc_event event = __real_grpc_completion_queue_next(queue, deadline, reserved);
	if (event.type == GRPC_OP_COMPLETE)
		__tsan_acquire(event.tag);
	return event;
}
