// The way out: values in an answer of the job engine become what the client gave. Looks only where
// the engine places values; whatever clients wrote elsewhere is copied. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/values/value_sealer.hpp"
#include "pkg/json/view.hpp"

namespace weir::api {

// Whether an answer may hold a stored form: when not, there is nothing to do.
bool mentions_stored_form(std::string_view json);

class ValueReader {
 public:
  explicit ValueReader(const ValueSealer& sealer) : sealer_(sealer) {}

  // Of one thing: a job, a schedule. Errors: of ValueSealer::open.
  Result<std::string> read(std::string_view json) const;

  // Of {...,"jobs":[...]}: jobs that cannot be read are left out.
  struct Leased {
    std::string json;
    std::size_t jobs = 0;             // that are left
    std::vector<std::string> failed;  // leases of the others
    std::optional<Error> error;       // of the first of these
  };
  Leased read_leased(std::string_view json) const;

 private:
  Result<void> copy(std::string& out, json::View value) const;
  Result<void> copy_object(std::string& out, json::View object) const;
  Result<void> copy_parents(std::string& out, json::View parents) const;

  const ValueSealer& sealer_;
};

}  // namespace weir::api
