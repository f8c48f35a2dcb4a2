#include "jobs/webhook_query.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "jobs/query_parts.hpp"
#include "jobs/queue_book.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::size_t kQueuesLooked = 512;  // in one round of the sender
constexpr std::int64_t kSoonMs = 200;

Error bad_cursor() {
  return Error{Code::invalid,
               "invalid_request",
               "The request is not valid",
               "",
               {{"cursor", "is not one that this list gave"}}};
}

Result<std::int64_t> place_of(std::string_view cursor) {
  if (cursor.empty()) return std::numeric_limits<std::int64_t>::max();
  std::int64_t row = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), row);
  if (error != std::errc{} || end != cursor.data() + cursor.size() || row < 1) return bad_cursor();
  return row;
}

void member_number(json::Writer& out, std::string_view name, std::optional<std::int64_t> value) {
  out.key(name);
  if (value) {
    out.value(*value);
  } else {
    out.null();
  }
}

void write_delivery(json::Writer& out, sqlite::Database& db, const WebhookDelivery& delivery) {
  std::string url = delivery.url;
  if (url.empty()) {
    if (const auto queue = find_queue(db, delivery.queue)) url = queue->config.webhook.url;
  }
  out.member("id", delivery.id)
      .member("status", to_string(delivery.state))
      .member("queue", delivery.queue)
      .member("subject", delivery.subject)
      .member("event", delivery.word);
  member_text(out, "url", url);
  out.member("attempts", delivery.attempts).member("created_at", from_unix_ms(delivery.created_at));
  member_time(out, "next_attempt_at", delivery.due);
  member_time(out, "last_attempt_at", delivery.last_at);
  member_time(out, "ended_at", delivery.ended_at);
  member_number(out, "response_status", delivery.http_status);
  member_text(out, "error", delivery.error);
}

std::vector<std::string> ids_of(sqlite::Database& db, const DeliveryListRequest& request,
                                std::int64_t before, std::optional<std::int64_t>& last) {
  std::vector<std::string> ids;
  auto rows = db.prepare(
      "SELECT row,id,queue,state FROM job_webhooks WHERE row<?1 ORDER BY row DESC LIMIT ?2");
  rows.bind_all(before, kListScanRows);
  std::int64_t looked = 0;
  while (rows.step()) {
    if (static_cast<std::int64_t>(ids.size()) == request.limit) return ids;
    last = rows.int64(0);
    ++looked;
    const auto state = static_cast<DeliveryState>(rows.int64(3));
    if (request.state && state != *request.state) continue;
    if (!request.queue.empty() && rows.text(2) != request.queue) continue;
    if (request.allowed && !request.allowed(rows.text(2))) continue;
    ids.emplace_back(rows.text(1));
  }
  if (looked < kListScanRows) last.reset();
  return ids;
}

std::string next_queue(sqlite::Database& db, const std::string& after) {
  auto rows = db.prepare(
      "SELECT queue FROM job_webhooks INDEXED BY job_webhooks_due WHERE state=0 AND queue>?1"
      " ORDER BY queue LIMIT 1");
  rows.bind(1, after);
  return rows.step() ? std::string(rows.text(0)) : std::string();
}

// What a queue has due, as long as there is room; when the next of it is due.
std::int64_t take_due(sqlite::Database& db, const DueQuestion& question, const std::string& name,
                      std::vector<DueDelivery>& out) {
  const auto queue = find_queue(db, name);
  const auto busy = question.busy_in(name);
  auto room = question.per_queue - std::min(question.per_queue, busy);
  auto rows = db.prepare(
      "SELECT id,due,attempts,url,event FROM job_webhooks INDEXED BY job_webhooks_due"
      " WHERE state=0 AND queue=?1 ORDER BY due,row");
  rows.bind(1, name);
  while (rows.step()) {
    if (rows.int64(1) > question.now) return rows.int64(1);
    std::string id(rows.text(0));
    if (question.is_busy(id)) continue;
    // The sender asks again when one of those that are being tried is done.
    if (room == 0 || out.size() == question.limit) return kNever;
    --room;
    DueDelivery due{.id = std::move(id),
                    .queue = name,
                    .attempt = rows.int64(2) + 1,
                    .url = std::string(rows.text(3)),
                    .body = std::string(rows.text(4))};
    if (queue) {
      if (due.url.empty()) due.url = queue->config.webhook.url;
      due.secrets = queue->config.webhook.secrets(question.now);
    }
    out.push_back(std::move(due));
  }
  return kNever;
}

}  // namespace

Result<std::string> list_deliveries(sqlite::Database& db, const DeliveryListRequest& request) {
  WEIR_ASSIGN(const auto before, place_of(request.cursor));
  std::optional<std::int64_t> last;
  const auto ids = ids_of(db, request, before, last);
  json::Writer out(4'096);
  out.begin_object().key("items").begin_array();
  for (const auto& id : ids) {
    out.begin_object();
    write_delivery(out, db, *find_delivery(db, id));
    out.end_object();
  }
  out.end_array();
  member_text(out, "next_cursor", last ? std::to_string(*last) : "");
  return out.end_object().take();
}

Result<std::string> get_delivery(sqlite::Database& db, std::string_view id) {
  const auto delivery = find_delivery(db, id);
  if (!delivery) {
    return Error{Code::not_found, "delivery_not_found", "There is no such delivery",
                 std::string(id.substr(0, 128))};
  }
  json::Writer out(1'024);
  out.begin_object();
  write_delivery(out, db, *delivery);
  return out.raw_member("body", delivery->event).end_object().take();
}

DueAnswer find_due_deliveries(sqlite::Database& db, const DueQuestion& question) {
  DueAnswer answer;
  answer.next_due = kNever;
  auto name = next_queue(db, question.after);
  if (name.empty()) name = next_queue(db, "");
  const auto first = name;
  for (std::size_t looked = 0; !name.empty(); ++looked) {
    if (answer.due.size() == question.limit) break;
    if (looked == kQueuesLooked) {  // the others are looked at soon
      answer.next_due = std::min(answer.next_due, question.now + kSoonMs);
      break;
    }
    answer.next_due = std::min(answer.next_due, take_due(db, question, name, answer.due));
    answer.last = name;
    name = next_queue(db, name);
    if (name.empty()) name = next_queue(db, "");
    if (name == first) break;
  }
  return answer;
}

}  // namespace weir::jobs
