// The way in: puts the values of a request's jobs into the form that is stored, before the job
// engine reads it. Everything else is copied as it came, what is wrong included: refusing is the
// engine's work. Pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "api/values/command_values.hpp"
#include "api/values/value_sealer.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"

namespace weir::api {

class ValueWriter {
 public:
  struct Options {
    Takes takes = Takes::nothing;
    std::string_view in_path = {};    // the id or the lease of the command's path
    std::size_t max_value_bytes = 0;  // longer ones stay as they came: the engine refuses them
  };
  ValueWriter(const ValueSealer& sealer, UuidGenerator& ids, const Options& options)
      : sealer_(sealer), ids_(ids), options_(options) {}

  // `body` must have passed json::check().
  // Errors: of ValueSealer::seal_any.
  Result<std::string> write(json::View body) const;
  // One JSON text a line; lines that are not JSON stay as they are.
  Result<std::string> write_lines(std::string_view text) const;

 private:
  Result<void> copy(std::string& out, json::View value, bool callback = false) const;
  Result<void> write_value(std::string& out, json::View value, std::string_view field,
                           const ValueOwner& owner, bool callback) const;
  Result<void> copy_object(std::string& out, json::View object, bool callback) const;
  ValueOwner payload_owner(json::View job, std::string_view id) const;
  ValueOwner report_owner(json::View report) const;

  const ValueSealer& sealer_;
  UuidGenerator& ids_;
  const Options options_;
};

}  // namespace weir::api
