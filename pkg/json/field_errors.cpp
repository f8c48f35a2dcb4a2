#include "pkg/json/field_errors.hpp"

namespace weir::json {

void write_field_errors(Writer& out, const std::vector<FieldError>& fields) {
  if (fields.empty()) return;
  out.key("fields").begin_array();
  for (const auto& field : fields) {
    out.begin_object().member("field", field.field).member("message", field.message).end_object();
  }
  out.end_array();
}

}  // namespace weir::json
