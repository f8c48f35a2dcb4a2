#include "pkg/replica/audit_record.hpp"

#include "pkg/json/writer.hpp"

namespace weir::replica {

Operation audit_record(const Operation& operation, const Result<std::string>& outcome) {
  json::Writer body(operation.actor.size() + 96);
  body.begin_object()
      .raw_member("actor", operation.actor)
      .member("operation", operation.name)
      .member("outcome", outcome ? std::string("ok") : outcome.error().reason)
      .end_object();
  return {"audit.record", body.take()};
}

}  // namespace weir::replica
