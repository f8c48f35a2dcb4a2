#include "pkg/replica/entry.hpp"

#include <charconv>
#include <cstring>

#include "pkg/crypto/crypto.hpp"
#include "pkg/json/writer.hpp"

namespace weir::replica {
namespace {

// Walks over the text of an entry that passed json::check(), each byte once.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool skip(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    const char* from = text_.data() + at_;
    const auto [end, error] = std::from_chars(from, text_.data() + text_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    at_ += static_cast<std::size_t>(end - from);
    return value;
  }

  // A string literal without escapes: its inside.
  std::optional<DecodedEntry::Slice> plain_string() {
    if (!skip("\"")) return std::nullopt;
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) return std::nullopt;
    const auto inside = slice(at_, end);
    if (std::memchr(text_.data() + at_, '\\', end - at_) != nullptr) return std::nullopt;
    at_ = end + 1;
    return inside;
  }

  // An object: all of it.
  std::optional<DecodedEntry::Slice> object() {
    if (at_ >= text_.size() || text_[at_] != '{') return std::nullopt;
    const std::size_t from = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        skip_string();
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && --depth == 0) {
        return slice(from, at_);
      }
    }
    return std::nullopt;
  }

  bool at_end() const { return at_ == text_.size(); }

 private:
  static DecodedEntry::Slice slice(std::size_t from, std::size_t to) {
    return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
  }

  // Past the closing quote of the string whose opening quote was just read.
  void skip_string() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return;
      if (c == '\\') ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Error malformed(const char* what) {
  return Error{Code::internal, "malformed_entry", "An entry of the log is malformed", what};
}

Error unknown_version(std::uint64_t version) {
  return Error{Code::internal, "unknown_entry_version",
               "An entry of the log was written by a newer version of Weir",
               "entry version " + std::to_string(version) + ", this binary knows " +
                   std::to_string(kEntryVersion) + ": run the newer version"};
}

}  // namespace

// --- EntryBuilder --------------------------------------------------------------------------------

Result<void> check_operation(const Operation& operation) {
  const auto checked = json::check(operation.body, {.max_depth = kOperationMaxDepth});
  if (checked && json::View(operation.body).is_object()) return {};
  return Error{Code::bad_request, "invalid_operation", "The operation is not a JSON object",
               checked ? operation.name : describe(checked.error())};
}

EntryBuilder::EntryBuilder(std::string_view proposer, std::uint64_t sequence) {
  text_ = "{\"v\":" + std::to_string(kEntryVersion) + ",\"p\":";
  json::append_quoted(text_, proposer);
  text_ += ",\"n\":" + std::to_string(sequence) + ",\"ops\":[";
}

void EntryBuilder::add(const Operation& operation) {
  text_ += operations_++ == 0 ? "[\"" : ",[\"";
  text_ += operation.name;
  text_ += "\",";
  text_ += operation.body;
  if (!operation.actor.empty()) text_.append(",").append(operation.actor);
  text_ += ']';
}

std::string EntryBuilder::take() {
  text_ += "]}";
  return std::move(text_);
}

std::size_t EntryBuilder::cost(const Operation& operation) {
  return operation.name.size() + operation.body.size() + operation.actor.size() + 7;  // ,["",,]
}

std::size_t EntryBuilder::overhead(std::string_view proposer) {
  return proposer.size() + 64;  // member names, version, 20 digits of sequence
}

// --- DecodedEntry --------------------------------------------------------------------------------

DecodedEntry DecodedEntry::from(LogEntry entry) {
  DecodedEntry out;
  out.entry_ = std::move(entry);
  out.hash_ = crypto::sha256(out.entry_.data);
  const std::string_view data = out.entry_.data;
  const json::Limits limits{.max_bytes = 1U << 30U, .max_depth = kEntryMaxDepth};
  if (auto checked = json::check(data, limits); !checked) {
    out.problem_ = malformed(checked.error().message.c_str());
    return out;
  }

  Cursor cursor(data);
  const auto refuse = [&out](Error error) {
    out.items_.clear();
    out.problem_ = std::move(error);
    return std::move(out);
  };
  if (!cursor.skip("{\"v\":")) return refuse(malformed("it does not start with its version"));
  const auto version = cursor.number();
  if (!version) return refuse(malformed("its version is not a number"));
  if (*version != kEntryVersion) return refuse(unknown_version(*version));

  if (!cursor.skip(",\"p\":")) return refuse(malformed("the proposer is missing"));
  const auto proposer = cursor.plain_string();
  if (!proposer || !cursor.skip(",\"n\":")) return refuse(malformed("the sequence is missing"));
  const auto sequence = cursor.number();
  if (!sequence || *sequence == 0 || !cursor.skip(",\"ops\":[")) {
    return refuse(malformed("the operations are missing"));
  }
  out.proposer_ = *proposer;
  out.sequence_ = *sequence;
  while (!cursor.skip("]")) {
    if (!out.items_.empty() && !cursor.skip(",")) return refuse(malformed("a comma is missing"));
    if (!cursor.skip("[")) return refuse(malformed("an operation is not an array"));
    const auto name = cursor.plain_string();
    if (!name || !cursor.skip(",")) return refuse(malformed("an operation has no name"));
    const auto body = cursor.object();
    if (!body) return refuse(malformed("an operation has no body"));
    std::optional<Slice> actor = Slice{};
    if (cursor.skip(",")) actor = cursor.object();
    if (!actor || !cursor.skip("]")) return refuse(malformed("an operation does not end"));
    out.items_.push_back({*name, *body, *actor});
  }
  if (!cursor.skip("}") || !cursor.at_end()) return refuse(malformed("it has unknown members"));
  return out;
}

}  // namespace weir::replica
