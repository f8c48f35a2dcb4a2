// The commands of the program, one function for each noun or verb; each answers the exit code.
#pragma once

#include <vector>

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

int run_audit(Args args);
int run_batch(Args args);
int run_bench(Args args);
int run_call(Args args);
int run_clock(Args args);
int run_completion(Args args);
int run_config(Args args);
int run_dlq(Args args);
int run_doctor(Args args);
int run_events(Args args);
int run_job(Args args);
int run_key(Args args);
int run_pubsub(Args args);
int run_kv(Args args);
int run_stream(Args args);
int run_payload_key(Args args);
int run_replication(Args args);
int run_room(Args args);
int run_schedule(Args args);
int run_snapshot(Args args);
int run_queue(Args args);
int run_status(Args args);
int run_submit(Args args);
int run_webhook(Args args);
int run_work(Args args);
int run_worker(Args args);

}  // namespace weir::cli
