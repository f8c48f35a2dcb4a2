// Which commands carry values of jobs (payloads, results, checkpoints), and where.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::api {

// Where a command's body has values.
enum class Takes : std::uint8_t {
  nothing,
  jobs,       // payloads of new jobs, which are given ids here
  templates,  // payloads of jobs that a schedule makes
  edit,       // the payload of the job in the path
  reports,    // results and checkpoints under leases, of which one may stand in the path
};

// What its answers hold.
enum class Gives : std::uint8_t {
  nothing,
  one,     // a job or a schedule
  leased,  // leased jobs
};

struct CommandValues {
  Takes takes = Takes::nothing;
  Gives gives = Gives::nothing;
};

// Of the command with this name.
CommandValues values_of(std::string_view command);

}  // namespace weir::api
