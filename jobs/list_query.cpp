// Lists of jobs. A list is a chain of segments (status, queue, and for ready jobs priority), each
// of them a range of an index; a cursor names a place in a segment.
#include <algorithm>
#include <array>
#include <map>

#include "jobs/limits.hpp"
#include "jobs/list_place.hpp"
#include "jobs/list_ready.hpp"
#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/queue_book.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<Status, kStatusCount> kOrder{
    Status::processing, Status::unprocessed, Status::scheduled, Status::blocked,
    Status::failed,     Status::dlq,         Status::cancelled, Status::completed};
constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kChunk = 256;

std::optional<std::int64_t> ms(const std::optional<Timestamp>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

class Lister {
 public:
  // With `ids` the page is only ids.
  Lister(sqlite::Database& db, const ListRequest& request, std::vector<std::string>* ids = nullptr)
      : db_(db), request_(request), ids_(ids) {}

  Result<std::string> run();
  std::string cursor() const { return ended_ ? "" : format_place(place_); }

 private:
  bool by_segments() const {
    if (request_.sort != ListSort::natural) return false;
    return request_.status || request_.unfinished || !request_.queue.empty() ||
           request_.finished_after || request_.finished_before;
  }
  bool finished_only() const { return request_.finished_after || request_.finished_before; }
  bool counted() const {
    return request_.type.empty() && request_.key.empty() && request_.tag.empty() &&
           request_.worker.empty() && request_.error.empty() && request_.metadata.empty() &&
           !request_.unfinished && !request_.created_after && !request_.created_before &&
           !finished_only();
  }
  bool full() const { return shown_ == request_.limit || looked_ >= kListScanRows; }

  Result<void> start();
  void walk_segments();
  void walk_status(Status status);
  std::int64_t next_queue(Status status, std::int64_t after);
  void walk_queue(Status status);
  void walk_segment(Status status);
  std::vector<ListedRow> chunk(Status status);
  void walk_rows();
  std::int64_t first_row_since(std::int64_t created_at);
  void visit(std::int64_t row);
  const QueueRow& queue_of(std::int64_t id);
  std::string finish();

  sqlite::Database& db_;
  const ListRequest& request_;
  std::vector<std::string>* const ids_;
  json::Writer items_{4'096};
  Place place_;
  std::int64_t queue_ = kAllQueues;  // the filter
  bool nothing_ = false;             // the queue of the filter does not exist
  bool ended_ = false;
  std::int64_t shown_ = 0;
  std::int64_t looked_ = 0;
  std::map<std::int64_t, QueueRow> queues_;
};

Error bad_request(const char* field, const char* message) {
  return Error{Code::invalid,
               "invalid_request",
               "The request is not valid",
               std::string(field) + " " + message,
               {{field, message}}};
}

Result<std::string> Lister::run() {
  WEIR_TRY(start());
  items_.begin_array();
  if (nothing_) {
    ended_ = true;
  } else if (by_segments()) {
    walk_segments();
  } else {
    walk_rows();
  }
  items_.end_array();
  return finish();
}

Result<void> Lister::start() {
  if (request_.limit < 1 || request_.limit > 1'000) {
    return bad_request("limit", "must be 1 to 1000");
  }
  if (!request_.cursor.empty()) {
    const auto place = parse_place(request_.cursor);
    if (!place) return bad_request("cursor", "must be next_cursor of an earlier page");
    place_ = *place;
  }
  if (!request_.queue.empty()) {
    const auto queue = find_queue(db_, request_.queue);
    nothing_ = !queue;
    if (queue) queue_ = queue->id;
  }
  // A cursor must not lead into another queue than the filter's.
  if (place_.inside && by_segments() && queue_ != kAllQueues && place_.queue != queue_ &&
      place_.status < static_cast<std::int64_t>(kStatusCount)) {
    return bad_request("cursor", "must be next_cursor of an earlier page of the same list");
  }
  return {};
}

// --- by segments ---------------------------------------------------------------------------------

void Lister::walk_segments() {
  for (; place_.status < static_cast<std::int64_t>(kStatusCount); ++place_.status) {
    const auto status = kOrder[static_cast<std::size_t>(place_.status)];
    const bool wanted = request_.status ? *request_.status == status
                                        : (!finished_only() || is_finished(status)) &&
                                              (!request_.unfinished || !is_finished(status));
    if (wanted) walk_status(status);
    if (full()) return;
    place_.queue = 0;
    place_.inside = false;
  }
  ended_ = true;
}

void Lister::walk_status(Status status) {
  if (!place_.inside) {
    place_.queue = queue_ != kAllQueues ? queue_ : next_queue(status, 0);
    place_.priority = kMaxPriority;
  }
  while (place_.queue != kEnd) {
    walk_queue(status);
    if (full()) return;
    place_.inside = false;
    place_.priority = kMaxPriority;
    place_.queue = queue_ != kAllQueues ? kEnd : next_queue(status, place_.queue);
  }
}

// The next queue that has jobs of the status: one seek.
std::int64_t Lister::next_queue(Status status, std::int64_t after) {
  auto rows = status == Status::unprocessed
                  ? db_.prepare(
                        "SELECT queue FROM jobs INDEXED BY jobs_ready"
                        " WHERE status=2 AND queue>?1 AND ?2=2 ORDER BY queue LIMIT 1")
                  : db_.prepare(
                        "SELECT queue FROM jobs INDEXED BY jobs_state"
                        " WHERE status=?2 AND status<>2 AND queue>?1"
                        " ORDER BY queue LIMIT 1");
  rows.bind_all(after, static_cast<std::int64_t>(status));
  return rows.step() ? rows.int64(0) : kEnd;
}

void Lister::walk_queue(Status status) {
  if (status != Status::unprocessed) {
    walk_segment(status);
    return;
  }
  if (!place_.inside) place_.target.clear();
  while (true) {
    for (; place_.priority >= 0; --place_.priority) {
      walk_segment(status);
      if (full()) return;
      place_.inside = false;
    }
    place_.priority = kMaxPriority;
    if (!to_next_target(db_, place_)) return;
  }
}

void Lister::walk_segment(Status status) {
  while (!full()) {
    const auto rows = chunk(status);
    for (const auto& [at, row, key] : rows) {
      if (full()) return;
      place_.at = at;
      place_.row = row;
      place_.key = key;
      place_.inside = true;
      visit(row);
    }
    if (static_cast<std::int64_t>(rows.size()) < kChunk) return;
  }
}

// The next rows of the segment; fewer than kChunk: it ends there.
std::vector<ListedRow> Lister::chunk(Status status) {
  constexpr std::string_view kSoonest =
      "SELECT at,row FROM jobs INDEXED BY jobs_state WHERE status=?1 AND status<>2 AND queue=?2"
      " AND (at,row)>(?3,?4) ORDER BY at,row LIMIT ?5";
  constexpr std::string_view kNewest =
      "SELECT at,row FROM jobs INDEXED BY jobs_state WHERE status=?1 AND status<>2 AND queue=?2"
      " AND (at,row)<(?3,?4) AND at>=?6 ORDER BY at DESC,row DESC LIMIT ?5";
  if (status == Status::unprocessed) return ready_chunk(db_, place_, request_.key, kChunk);
  const auto number = static_cast<std::int64_t>(status);
  const bool soonest = status == Status::scheduled || status == Status::blocked;
  auto rows = db_.prepare(soonest ? kSoonest : kNewest);
  if (soonest) {
    rows.bind_all(number, place_.queue, place_.inside ? place_.at : -1,
                  place_.inside ? place_.row : 0, kChunk);
  } else {
    const auto before = is_finished(status) ? ms(request_.finished_before).value_or(kEnd) : kEnd;
    const auto after = is_finished(status) ? ms(request_.finished_after).value_or(0) : 0;
    rows.bind_all(number, place_.queue, place_.inside ? place_.at : before,
                  place_.inside ? place_.row : std::int64_t{0}, kChunk, after);
  }
  std::vector<ListedRow> out;
  while (rows.step()) out.push_back({rows.int64(0), rows.int64(1)});
  return out;
}

// --- by rows -------------------------------------------------------------------------------------

void Lister::walk_rows() {
  constexpr std::string_view kNewest =
      "SELECT row FROM jobs WHERE row<?1 AND row>=?2 ORDER BY row DESC LIMIT ?3";
  constexpr std::string_view kOldest =
      "SELECT row FROM jobs WHERE row>?1 AND row<?2 ORDER BY row LIMIT ?3";
  const bool oldest = request_.sort == ListSort::oldest;
  const auto first =
      request_.created_after ? first_row_since(to_unix_ms(*request_.created_after)) : 0;
  const auto end =
      request_.created_before ? first_row_since(to_unix_ms(*request_.created_before)) : kEnd;
  if (!place_.inside) place_.row = oldest ? first - 1 : end;
  while (!full()) {
    std::vector<std::int64_t> rows;
    {
      auto next = db_.prepare(oldest ? kOldest : kNewest);
      next.bind_all(place_.row, oldest ? end : first, kChunk);
      while (next.step()) rows.push_back(next.int64(0));
    }
    for (const auto row : rows) {
      if (full()) return;
      place_.row = row;
      visit(row);
    }
    if (static_cast<std::int64_t>(rows.size()) < kChunk) {
      ended_ = !full();
      return;
    }
  }
}

// Rows and their created_at grow together: a binary search, two seeks a step.
std::int64_t Lister::first_row_since(std::int64_t created_at) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  {
    auto last = db_.prepare("SELECT row FROM jobs ORDER BY row DESC LIMIT 1");
    if (last.step()) high = last.int64(0) + 1;
  }
  auto probe = db_.prepare("SELECT row,created_at FROM jobs WHERE row>=?1 ORDER BY row LIMIT 1");
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    probe.bind_all(middle);
    const bool old = probe.step() && probe.int64(1) < created_at;
    if (old) {
      low = probe.int64(0) + 1;
    } else {
      high = middle;
    }
    probe.run();
  }
  return low;
}

// --- items ---------------------------------------------------------------------------------------

void Lister::visit(std::int64_t row) {
  ++looked_;
  const auto job = load_job(db_, row);
  if (!job || (queue_ != kAllQueues && job->queue != queue_) || !matches(db_, request_, *job))
    return;
  ++shown_;
  if (ids_ != nullptr) {
    ids_->push_back(job->id);
    return;
  }
  items_.begin_object();
  write_summary(items_, *job, queue_of(job->queue));
  member_json(items_, "error", error_of(db_, *job));
  items_.member("revision", job->revision).end_object();
}

const QueueRow& Lister::queue_of(std::int64_t id) {
  auto found = queues_.find(id);
  if (found == queues_.end()) {
    found = queues_.emplace(id, load_queue(db_, id).value_or(QueueRow{})).first;
  }
  return found->second;
}

std::string Lister::finish() {
  const auto counts = nothing_ ? Counts{} : read_counts(db_, queue_);
  json::Writer out(items_.size() + 512);
  out.begin_object().raw_member("items", items_.str());
  member_text(out, "next_cursor", cursor());
  out.key("total_items");
  if (!counted()) {
    out.null();
  } else if (request_.status) {
    out.value(counts[index_of(*request_.status)]);
  } else {
    std::int64_t total = 0;
    for (const auto count : counts) total += count;
    out.value(total);
  }
  out.key("status_counts");
  write_counts(out, counts);
  out.end_object();
  return out.take();
}

}  // namespace

Result<std::string> list_jobs(sqlite::Database& db, const ListRequest& request) {
  return Lister(db, request).run();
}

Result<Selection> select_jobs(sqlite::Database& db, const ListRequest& request) {
  Selection out;
  Lister lister(db, request, &out.ids);
  WEIR_TRY(lister.run());
  out.cursor = lister.cursor();
  return out;
}

}  // namespace weir::jobs
