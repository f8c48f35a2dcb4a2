#include "jobs/job_log.hpp"

#include <array>

#include "jobs/limits.hpp"
#include "jobs/query_parts.hpp"

namespace weir::jobs {
namespace {

// The numbers are stored.
constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
constexpr std::int64_t kInfo = 1;

std::optional<std::int64_t> parse_level(std::string_view word) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == word) return static_cast<std::int64_t>(i);
  }
  return std::nullopt;
}

void write_line(FieldErrors& errors, json::View value, const std::string& path, json::Writer& out) {
  out.begin_object();
  if (const auto text = value.as_string()) {
    if (text->empty() || text->size() > kMaxLogMessageBytes) {
      errors.invalid(path, "must have 1 to " + std::to_string(kMaxLogMessageBytes) +
                               " bytes, not " + std::to_string(text->size()));
    }
    out.raw_member("message", value.raw());
  } else if (!value.is_object()) {
    errors.wrong_type(path, "a string or an object", value);
  } else {
    Fields line(errors, value, path);
    if (const auto at = line.time_ms("at")) out.member("at", *at);
    if (const auto word = line.text("level", 16)) {
      if (const auto level = parse_level(*word)) {
        out.member("level", *level);
      } else {
        line.complain("level", "must be debug, info, warn or error");
      }
    }
    if (const auto message = line.required_text("message", kMaxLogMessageBytes)) {
      out.member("message", *message);
    }
    line.finish();
  }
  out.end_object();
}

// A row of job_log_sums.
struct Sums {
  std::int64_t first = 1;  // the oldest line that is kept
  std::int64_t next = 1;   // what the next line is numbered
  std::int64_t bytes = 0;  // of the messages that are kept
};

std::optional<Sums> find_sums(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare("SELECT first,next,bytes FROM job_log_sums WHERE job=?1");
  rows.bind(1, row);
  if (!rows.step()) return std::nullopt;
  return Sums{.first = rows.int64(0), .next = rows.int64(1), .bytes = rows.int64(2)};
}

void append_lines(Step& step, std::int64_t row, std::int64_t attempt, json::View lines,
                  Sums& sums) {
  auto write = step.db.prepare(
      "INSERT INTO job_logs(job,line,at,attempt,level,message) VALUES(?1,?2,?3,?4,?5,?6)");
  for (const auto line : lines.elements()) {
    const auto message = line.find("message").as_string().value_or("");
    write
        .bind_all(row, sums.next++, line.find("at").as_int().value_or(step.now), attempt,
                  line.find("level").as_int().value_or(kInfo), message)
        .run();
    sums.bytes += static_cast<std::int64_t>(message.size());
  }
}

// The oldest lines go until the rest is within the bounds.
void drop_excess(sqlite::Database& db, std::int64_t row, Sums& sums) {
  const auto before = sums.first;
  {
    auto rows =
        db.prepare("SELECT length(CAST(message AS BLOB)) FROM job_logs WHERE job=?1 ORDER BY line");
    rows.bind(1, row);
    while ((sums.next - sums.first > kLogLinesKept || sums.bytes > kLogBytesKept) && rows.step()) {
      sums.bytes -= rows.int64(0);
      ++sums.first;
    }
  }
  if (sums.first == before) return;
  db.prepare("DELETE FROM job_logs WHERE job=?1 AND line<?2").bind_all(row, sums.first).run();
}

std::string item_of(const sqlite::Statement& rows) {
  json::Writer out(160);
  out.begin_object()
      .member("line", rows.int64(0))
      .member("at", from_unix_ms(rows.int64(1)))
      .member("attempt", rows.int64(2))
      .member("level", kLevels.at(static_cast<std::size_t>(rows.int64(3))))
      .member("message", rows.text(4))
      .end_object();
  return out.take();
}

}  // namespace

void write_log_request(Fields& fields, json::Writer& out) {
  const auto given = fields.raw("log");
  if (given.is_missing() || given.is_null()) return;
  out.key("log").begin_array();
  if (given.is_array()) {
    std::size_t index = 0;
    for (const auto line : fields.array("log", kMaxLogLines).elements()) {
      write_line(fields.errors(), line, fields.path("log[" + std::to_string(index++) + "]"), out);
    }
  } else if (given.is_string() || given.is_object()) {
    write_line(fields.errors(), given, fields.path("log"), out);
  } else {
    fields.errors().wrong_type(fields.path("log"), "a line or an array of lines", given);
  }
  out.end_array();
}

void keep_log(Step& step, std::int64_t row, json::View lines) {
  std::string id;
  std::int64_t attempt = 0;
  {
    auto job = step.db.prepare("SELECT id,attempt FROM jobs WHERE row=?1");
    job.bind(1, row);
    if (!job.step()) return;
    id = job.text(0);
    attempt = job.int64(1);
  }
  const auto before = find_sums(step.db, row);
  Sums sums = before.value_or(Sums{});
  const auto next = sums.next;
  append_lines(step, row, attempt, lines, sums);
  if (sums.next == next) return;
  drop_excess(step.db, row, sums);
  step.db.prepare("INSERT OR REPLACE INTO job_log_sums(job,first,next,bytes) VALUES(?1,?2,?3,?4)")
      .bind_all(row, sums.first, sums.next, sums.bytes)
      .run();
  if (!before) {
    step.db.prepare("UPDATE jobs SET parts=parts|?2 WHERE row=?1").bind_all(row, kHasLog).run();
  }
  if (step.context.outbound.anyone_watches()) step.context.outbound.touch(log_key(id));
}

void erase_log(sqlite::Database& db, std::int64_t row) {
  db.prepare("DELETE FROM job_logs WHERE job=?1").bind_all(row).run();
  db.prepare("DELETE FROM job_log_sums WHERE job=?1").bind_all(row).run();
}

Result<LogPage> read_log(sqlite::Database& db, std::string_view id, const LogRequest& request) {
  const auto job = find_job(db, id);
  if (!job) return job_not_found(id);
  LogPage page{.lines = {}, .last = request.after, .ended = is_finished(job->status)};
  if ((job->parts & kHasLog) == 0) return page;
  const auto sums = find_sums(db, job->row).value_or(Sums{});
  page.kept = sums.next - sums.first;
  page.dropped = sums.first - 1;
  auto rows = db.prepare(
      "SELECT line,at,attempt,level,message FROM job_logs WHERE job=?1 AND line>?2"
      " AND (?3 IS NULL OR attempt=?3) ORDER BY line LIMIT ?4");
  rows.bind_all(job->row, request.after, request.attempt, request.limit + 1);
  std::size_t bytes = 0;
  while (rows.step()) {
    if (static_cast<std::int64_t>(page.lines.size()) == request.limit ||
        bytes >= request.max_bytes) {
      page.more = true;
      break;
    }
    page.last = rows.int64(0);
    page.lines.push_back({page.last, item_of(rows)});
    bytes += page.lines.back().text.size();
  }
  return page;
}

Result<std::string> list_log(sqlite::Database& db, std::string_view id, const LogRequest& request) {
  WEIR_ASSIGN(const auto page, read_log(db, id, request));
  json::Writer out(160 * page.lines.size() + 128);
  out.begin_object().member("id", id).key("items").begin_array();
  for (const auto& line : page.lines) out.raw(line.text);
  out.end_array().key("next_cursor");
  if (page.more) {
    out.value(std::to_string(page.last));
  } else {
    out.null();
  }
  out.member("lines", page.kept).member("dropped", page.dropped).end_object();
  return out.take();
}

std::string log_key(std::string_view id) {
  return "log:" + std::string(id);
}

}  // namespace weir::jobs
