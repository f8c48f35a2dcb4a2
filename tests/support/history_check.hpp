// check_history: whether what clients were told fits one sequential job queue, whatever happened to
// the processes behind it. A complaint is certain: a history that some order of the calls explains
// has none. What it demands:
//
// - an accepted job is there at the end, a refused one is not, and none comes from nowhere;
// - a job is completed once, ends as completed when a worker was told so, and only then;
// - no two leases of a job hold at the same time, later leases have higher fences, and nothing is
//   accepted under a lease that ended or that a newer one replaced;
// - nothing is leased before it was submitted, nor after it was completed;
// - what one client sees never goes back, and a read at a revision shows what happened up to it.
//
// It knows submits, leases and reports: histories with jobs that operators cancel, retry or delete,
// or that retention removes, are not for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/history.hpp"

namespace weir::test {

// Jobs and their status, read when everything is quiet.
using FinalJobs = std::map<std::string, std::string>;

// One sentence for each complaint, at most 50; empty: the history fits.
std::vector<std::string> check_history(const std::vector<Event>& events, const FinalJobs& final);

}  // namespace weir::test
