// The fields of an Error as JSON: one shape for every surface.
#pragma once

#include "pkg/base/error.hpp"
#include "pkg/json/writer.hpp"

namespace weir::json {

// Member "fields": [{"field","message"}], inside an object; nothing when there are none.
void write_field_errors(Writer& out, const std::vector<FieldError>& fields);

}  // namespace weir::json
