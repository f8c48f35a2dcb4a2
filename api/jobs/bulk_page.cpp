#include "api/jobs/bulk_page.hpp"

#include "jobs/queries.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

// Leaves the object open.
json::Writer head(const jobs::Selection& found, bool dry_run) {
  json::Writer out(256);
  out.begin_object()
      .member("matched", static_cast<std::int64_t>(found.ids.size()))
      .member("dry_run", dry_run)
      .key("next_cursor");
  if (found.cursor.empty()) {
    out.null();
  } else {
    out.value(found.cursor);
  }
  return out;
}

}  // namespace

void answer_bulk_page(Services& services, const Call& call, const jobs::BulkRequest& request,
                      const BulkOperation& operation) {
  if (const auto allowed = call.check_queue(request.select.queue); !allowed) {
    return call.fail(allowed.error());
  }
  jobs::Selection found;
  const auto revision = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(found, jobs::select_jobs(db, request.select));
    return {};
  });
  if (!revision) return call.fail(revision.error());
  auto out = head(found, request.dry_run);
  if (request.dry_run || found.ids.empty()) {
    out.key("ids").begin_array();
    for (const auto& id : found.ids) out.value(id);
    out.end_array().end_object();
    return call.reply(200, out.take(), *revision);
  }
  auto change = operation(found.ids);
  change.actor = call.actor();
  services.instance.propose(std::move(change),
                            [call, begin = out.take()](const Result<replica::Reply>& reply) {
                              if (!reply) return call.fail(reply.error());
                              // Both are objects: the reply's members follow.
                              call.reply(200, begin + "," + reply->json.substr(1), reply->revision);
                            });
}

}  // namespace weir::api
