// What the fuzzers try: one function for each parser of input from outside. A target takes any
// bytes; it aborts when a promise of the parser is broken, and a sanitizer when memory is.
#pragma once

#include <array>
#include <string_view>

namespace weir::fuzz {

void try_json(std::string_view input);      // bodies of requests, up to the operation
void try_jobs(std::string_view input);      // requests, one per line, and what they do to the jobs
void try_entry(std::string_view input);     // entries of the log
void try_snapshot(std::string_view input);  // stored snapshots
void try_http(std::string_view input);      // requests, targets, frames of the command API
void try_cron(std::string_view input);      // cron expressions

struct Target {
  std::string_view name;  // also of its folder in tests/fuzz/corpus
  void (*run)(std::string_view input);
};
inline constexpr std::array kTargets{Target{"json", try_json},   Target{"jobs", try_jobs},
                                     Target{"entry", try_entry}, Target{"snapshot", try_snapshot},
                                     Target{"http", try_http},   Target{"cron", try_cron}};

}  // namespace weir::fuzz
