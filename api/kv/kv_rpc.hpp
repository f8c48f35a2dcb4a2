// What the files of the kv.* commands share. Internal to this folder.
#pragma once

#include <optional>
#include <string>

#include "api/core/rpc_commands.hpp"
#include "api/rpc/payload.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/service.hpp"

namespace weir::api::kv_commands {

using Run = Result<std::string> (*)(kv::Service&, json::View, const Clock&);

std::string bucket_of(rpc::Payload& payload);
std::optional<Millis> ttl_of(rpc::Payload& payload);
std::string flag_answer(std::string_view name, bool flag);
std::string count_answer(std::string_view name, std::size_t count);
// Runs a read; a bucket that is not there reads as an empty one.
Result<void> read(kv::Service& kv, const std::string& bucket, const kv::Service::Work& work);

// rpc_kv_many.cpp
Result<std::string> run_scan(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_keys(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_dbsize(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_stats(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_mset(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_msetnx(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_mget(kv::Service& kv, json::View view, const Clock& clock);
Result<std::string> run_mdel(kv::Service& kv, json::View view, const Clock& clock);

}  // namespace weir::api::kv_commands
