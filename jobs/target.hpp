// Targets: which workers may run a job, and the labels that workers name.
//
// "_any": every worker of the queue (the same as no target), "_all": each of them once, see
// jobs/fan_out.hpp, "host:<worker>": the worker of that name, "label:<key>=<value>": workers with
// that label. Values are hierarchies with dots: eu.west matches the workers labelled eu.west and
// eu.west.1, not those labelled eu.western.
//
// Pure values. Labels travel and are stored as canonical JSON: an object of strings whose members
// are in the order of their names; no text when there are none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobs/fields.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

inline constexpr std::string_view kAnyTarget = "_any";
inline constexpr std::string_view kAllTarget = "_all";
inline constexpr std::string_view kHostTarget = "host:";
inline constexpr std::string_view kLabelTarget = "label:";

// Reads "target" of a job and writes it, unless it is "_any" or missing. Complains about
// what cannot stand beside "_all".
void write_target(Fields& fields, json::Writer& out);
// Reads "labels" of a lease request and writes them in their canonical form.
void write_labels(Fields& fields, json::Writer& out);

// Whether a job with the target (empty: none) may run at the worker.
bool matches_target(std::string_view target, std::string_view worker, std::string_view labels);
// Every target that matches the worker.
std::vector<std::string> targets_of(std::string_view worker, std::string_view labels);

}  // namespace weir::jobs
