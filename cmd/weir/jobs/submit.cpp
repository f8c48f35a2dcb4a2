// `weir submit`: one job from an argument, a file or standard input, or one for each line.
#include <sys/stat.h>
#include <fstream>
#include <iostream>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/progress.hpp"
#include "cmd/weir/jobs/job_members.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

constexpr std::size_t kBatchJobs = 500;
constexpr std::size_t kBatchBytes = 512 << 10;
constexpr std::size_t kMaxPayloadBytes = 64 << 20;

Usage submit_usage() {
  return {
      .command = "weir submit",
      .synopsis = "[PAYLOAD|-]",
      .summary =
          "Submits a job, or one job for each line of a file. A payload that is valid JSON is "
          "taken as JSON, anything else as a JSON string. Prints the ids.",
      .options = {{"q,queue", "NAME", "Queue (default: default)"},
                  {"t,type", "NAME", "Type of the job (default: default)"},
                  {"file", "FILE", "Payload from a file; - is standard input"},
                  {"from-lines", "FILE", "One job for each line; - is standard input"},
                  {"text", "", "Take payloads as text, even when they are JSON"},
                  {"p,priority", "N", "0 to 9, 9 first (default 5)"},
                  {"retention", "TIME", "Forget the job so long after its end; 0s: at once"},
                  {"delay", "TIME", "Run no sooner than this from now, such as 10m"},
                  {"run-at", "TIME", "Run no sooner than this RFC 3339 time"},
                  {"expires-at", "TIME", "Fail unless it has begun by this RFC 3339 time"},
                  {"max-attempts", "N", "Attempts before the job is dead"},
                  {"backoff", "TIME", "First pause before a retry, then doubled"},
                  {"lease", "TIME", "How long a worker may be silent"},
                  {"timeout", "TIME", "Longest run of one attempt, heartbeats or not"},
                  {"key", "KEY", "Tenant or group, for fairness and limits"},
                  {"target", "TARGET",
                   "Which workers: host:NAME, label:KEY=VALUE or _all (default: any)"},
                  {"unique-key", "KEY", "At most one job of the queue holds this key"},
                  {"unique-scope", "SCOPE",
                   "queued, active (default), retained, or a time such as 10m"},
                  {"on-conflict", "ACTION", "return (default), reject, replace or debounce"},
                  {"depends-on", "ID[,ID]", "Run when these jobs have ended; may be repeated"},
                  {"on-failure", "ACTION",
                   "When one of them did not succeed: fail (default), ignore, run"},
                  {"batch", "ID", "Join this open batch"},
                  {"tag", "TAG", "Tag; may be repeated"},
                  {"id", "ID", "Id of the job; submitting it again changes nothing"},
                  {"wait", "", "Wait for the end and print the result"},
                  {"wait-timeout", "TIME", "Longest wait (default: for ever)"}},
      .examples = {R"(weir submit --queue emails --type welcome '{"to":"ada@example.org"}')",
                   "weir submit --queue reports --file report.json --delay 1h",
                   "find . -name '*.jpg' | weir submit --queue thumbs --from-lines -",
                   "weir submit --queue sync --unique-key user-7 --on-conflict debounce --delay 5s",
                   "weir submit --queue reports --depends-on extract-7,load-7 --on-failure run",
                   "weir submit --queue backups --target label:region=eu.west",
                   "weir submit --queue caches --type flush --target _all --wait",
                   "weir submit --queue thumbs --batch album-7 cat.jpg",
                   "weir submit --queue sums '[1,2,3]' --wait"}};
}

// --unique-key and what belongs to it. A scope that is no word is a time: how long the key is held.
Result<void> unique_member(const Parsed& parsed, json::Writer& out) {
  if (!parsed.has("unique-key")) {
    if (!parsed.has("unique-scope") && !parsed.has("on-conflict")) return {};
    return bad_argument("--unique-scope and --on-conflict need --unique-key");
  }
  out.key("unique").begin_object().member("key", parsed.text("unique-key"));
  const auto scope = parsed.text("unique-scope", "active");
  if (scope == "queued" || scope == "active" || scope == "retained") {
    out.member("scope", scope);
  } else {
    WEIR_ASSIGN(const auto ttl, parsed.duration("unique-scope", Millis{0}));
    out.member("scope", "ttl").member("ttl_ms", static_cast<std::int64_t>(ttl.count()));
  }
  out.member("on_conflict", parsed.text("on-conflict", "return")).end_object();
  return {};
}

// --depends-on, each a comma list, and --on-failure.
Result<void> dependency_members(const Parsed& parsed, json::Writer& out) {
  if (!parsed.has("depends-on")) {
    if (parsed.has("on-failure")) return bad_argument("--on-failure needs --depends-on");
    return {};
  }
  out.key("depends_on").begin_array();
  for (const auto& list : parsed.all("depends-on")) {
    std::string_view rest = list;
    for (;;) {
      const auto comma = std::min(rest.find(','), rest.size());
      const auto id = rest.substr(0, comma);
      if (!is_valid_id(id)) {
        return bad_argument("\"" + std::string(id) + "\" of --depends-on is not an id",
                            "want 1-128 of A-Z a-z 0-9 . _ - :");
      }
      out.value(id);
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
  out.end_array();
  if (parsed.has("on-failure")) out.member("on_failure", parsed.text("on-failure"));
  return {};
}

// The members every job of this command shares, as `"queue":"q",...`.
Result<std::string> shared_members(const Parsed& parsed) {
  json::Writer out;
  out.begin_object();
  out.member("queue", parsed.text("queue", "default"));
  out.member("type", parsed.text("type", "default"));
  WEIR_TRY(number_members(parsed, out));
  if (parsed.has("delay") && parsed.has("run-at")) {
    return bad_argument("give --delay or --run-at, not both");
  }
  const std::pair<const char*, const char*> durations[]{{"delay", "delay_ms"},
                                                        {"lease", "lease_ms"},
                                                        {"timeout", "timeout_ms"},
                                                        {"retention", "retention_ms"}};
  for (const auto& [option, member] : durations) {
    if (!parsed.has(option)) continue;
    WEIR_ASSIGN(const auto value, parsed.duration(option, Millis{0}));
    out.member(member, static_cast<std::int64_t>(value.count()));
  }
  if (parsed.has("backoff")) {
    WEIR_ASSIGN(const auto value, parsed.duration("backoff", Millis{0}));
    out.key("backoff").begin_object().member("kind", "exponential");
    out.member("delay_ms", static_cast<std::int64_t>(value.count())).end_object();
  }
  if (parsed.has("expires-at")) out.member("expires_at", parsed.text("expires-at"));
  if (parsed.has("run-at")) out.member("run_at", parsed.text("run-at"));
  if (parsed.has("key")) out.member("key", parsed.text("key"));
  if (parsed.has("target")) out.member("target", parsed.text("target"));
  WEIR_TRY(unique_member(parsed, out));
  WEIR_TRY(dependency_members(parsed, out));
  if (parsed.has("batch")) out.member("batch", parsed.text("batch"));
  tags_member(parsed, out);
  out.end_object();
  const auto text = out.take();
  return text.substr(1, text.size() - 2);
}

void append_job(std::string& out, const std::string& shared, const std::string& id,
                const std::string& payload, bool as_text) {
  out.append("{").append(shared).append(",\"id\":");
  json::append_quoted(out, id);
  out += ",\"payload\":";
  if (!as_text && json::check(payload)) {
    out += payload;
  } else {
    json::append_quoted(out, payload);
  }
  out += '}';
}

Result<std::string> read_all(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return bad_argument("cannot read " + path, "does it exist?");
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string out;
  std::string chunk(64 << 10, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    out.append(chunk, 0, static_cast<std::size_t>(in.gcount()));
    if (out.size() > kMaxPayloadBytes) return bad_argument(path + " is larger than 64 MiB");
  }
  return out;
}

Result<std::string> payload_of(const Parsed& parsed) {
  const bool operand = !parsed.operands().empty();
  if (operand && parsed.has("file")) return bad_argument("give a payload or --file, not both");
  if (parsed.has("file")) return read_all(parsed.text("file"));
  if (operand && parsed.operand(0) == "-") return read_all("-");
  return operand ? parsed.operand(0) : std::string("null");
}

// Prints a finished job's result; the exit code says how it ended.
int show_end(const Context& context, const Json& job) {
  const auto status = field(job, "status");
  if (context.json()) {
    print(pretty(job));
  } else if (status == "completed") {
    const auto result = job.find("result");
    const bool text = result != job.end() && result->is_string();
    print((text ? result->get<std::string>() : field(job, "result")) + "\n");
  } else {
    print_error({Code::conflict, "job_" + status, "job " + field(job, "id") + " ended as " + status,
                 error_text(job)});
  }
  return status == "completed" ? kOk : kFailed;
}

Result<int> submit_one(const Parsed& parsed, Context& context, const std::string& shared) {
  SystemClock clock;
  SystemRandom random;
  const auto id = parsed.text("id", UuidGenerator(clock, random).next());
  if (!is_valid_id(id)) {
    return bad_argument("\"" + id + "\" is not an id", "want 1-128 of A-Z a-z 0-9 . _ - :");
  }
  WEIR_ASSIGN(const auto payload, payload_of(parsed));
  std::string body;
  append_job(body, shared, id, payload, parsed.has("text"));
  WEIR_ASSIGN(const auto job,
              context.ask({.method = "POST", .path = "/v1/jobs", .body = std::move(body)}));
  if (!parsed.has("wait")) {
    return context.show(job, field(job, "id") + "\n");
  }
  WEIR_ASSIGN(const auto limit, parsed.duration("wait-timeout", Millis{0}));
  WEIR_ASSIGN(const auto ended, wait_for_job(context, field(job, "id"), limit));
  return show_end(context, ended);
}

// Many jobs, in batches. Ids are made here, so that a batch can be sent again.
class LineSubmitter {
 public:
  LineSubmitter(Context& context, std::string shared, bool as_text)
      : context_(context), shared_(std::move(shared)), as_text_(as_text), ids_(clock_, random_) {}

  Result<void> add(const std::string& line) {
    pending_.push_back(ids_.next());
    if (!body_.empty()) body_ += ',';
    append_job(body_, shared_, pending_.back(), line, as_text_);
    return pending_.size() >= kBatchJobs || body_.size() >= kBatchBytes ? flush() : Result<void>();
  }

  Result<void> flush() {
    if (pending_.empty()) return {};
    WEIR_ASSIGN(const auto answer, context_.ask({.method = "POST",
                                                 .path = "/v1/jobs/batch",
                                                 .body = "{\"jobs\":[" + body_ + "]}"}));
    const auto results = answer.find("results");
    if (results == answer.end() || results->size() != pending_.size()) {
      return Error{Code::internal, "bad_answer", "the server answered for another number of jobs",
                   "are client and server of one version?"};
    }
    for (const auto& result : *results) take(result);
    pending_.clear();
    body_.clear();
    return {};
  }

  std::int64_t accepted() const { return static_cast<std::int64_t>(ids().size()); }
  std::int64_t refused() const { return refused_; }
  const std::vector<std::string>& ids() const { return accepted_; }

 private:
  void take(const Json& result) {
    if (result.contains("error")) {
      if (refused_++ == 0) {
        print_error({Code::invalid, "", "a job was refused: " + field(result, "error"),
                     field(result, "details")});
      }
      return;
    }
    accepted_.push_back(field(result, "id"));
  }

  Context& context_;
  std::string shared_;
  bool as_text_;
  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_;
  std::vector<std::string> pending_;
  std::vector<std::string> accepted_;
  std::string body_;
  std::int64_t refused_ = 0;
};

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  const bool file = path != "-" && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  return file ? info.st_size : 0;
}

Result<int> wait_for_all(const Parsed& parsed, Context& context,
                         const std::vector<std::string>& ids) {
  WEIR_ASSIGN(const auto limit, parsed.duration("wait-timeout", Millis{0}));
  Progress progress("jobs ended", static_cast<std::int64_t>(ids.size()));
  std::int64_t ended = 0;
  bool all_completed = true;
  for (const auto& id : ids) {
    WEIR_ASSIGN(const auto job, wait_for_job(context, id, limit));
    all_completed = all_completed && field(job, "status") == "completed";
    ++ended;
    progress.update(ended, ended);
    const Json line{{"id", id},
                    {"status", field(job, "status")},
                    {"payload", job.value("payload", Json())},
                    {"result", job.value("result", Json())},
                    {"error", job.value("error", Json())}};
    print(compact(line) + "\n");
  }
  return all_completed ? kOk : kFailed;
}

Result<int> submit_lines(const Parsed& parsed, Context& context, const std::string& shared) {
  const auto path = parsed.text("from-lines");
  if (!parsed.operands().empty() || parsed.has("file") || parsed.has("id")) {
    return bad_argument("--from-lines takes no payload, --file or --id");
  }
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) return bad_argument("cannot read " + path, "does it exist?");
  }
  std::istream& in = path == "-" ? std::cin : file;
  LineSubmitter submitter(context, shared, parsed.has("text"));
  Progress progress("jobs", size_of(path));
  std::int64_t bytes = 0;
  for (std::string line; std::getline(in, line);) {
    bytes += static_cast<std::int64_t>(line.size()) + 1;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    WEIR_TRY(submitter.add(line));
    progress.update(bytes, submitter.accepted());
  }
  WEIR_TRY(submitter.flush());
  progress.finish();
  const auto accepted = human_count(submitter.accepted());
  if (parsed.has("wait")) {
    WEIR_ASSIGN(const int ended, wait_for_all(parsed, context, submitter.ids()));
    return submitter.refused() > 0 ? static_cast<int>(kFailed) : ended;
  }
  if (context.json()) {
    print(pretty({{"accepted", submitter.accepted()},
                  {"refused", submitter.refused()},
                  {"ids", submitter.ids()}}));
  } else {
    std::string ids;
    for (const auto& id : submitter.ids()) ids.append(id) += '\n';
    print(ids);
    std::fprintf(stderr, "%s jobs submitted, %s refused\n", accepted.c_str(),
                 human_count(submitter.refused()).c_str());
  }
  return submitter.refused() > 0 ? kFailed : kOk;
}

}  // namespace

int run_submit(Args args) {
  return run_with_server(submit_usage(), args,
                         [](const Parsed& parsed, Context& context) -> Result<int> {
                           WEIR_ASSIGN(const auto shared, shared_members(parsed));
                           return parsed.has("from-lines") ? submit_lines(parsed, context, shared)
                                                           : submit_one(parsed, context, shared);
                         });
}

}  // namespace weir::cli
