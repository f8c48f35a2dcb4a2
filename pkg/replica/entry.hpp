// The text of a log entry: one JSON object that carries a batch of operations.
//
//   {"v":1,"p":"<proposer id>","n":<its sequence>,"ops":[["jobs.submit",{...}],...]}
//
// An operation whose actor is to be known has it as a third element: ["jobs.pause",{...},{...}].
//
// Members stand in this order. encode and decode are pure functions: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/replica/log.hpp"

namespace weir::replica {

inline constexpr int kEntryVersion = 1;
// Of one entry; operations are checked against less before they are proposed.
inline constexpr std::size_t kEntryMaxDepth = 128;
inline constexpr std::size_t kOperationMaxDepth = 100;

// Whether an operation may be put into an entry. Error: bad_request / invalid_operation.
Result<void> check_operation(const Operation& operation);

// Builds the text of one entry.
class EntryBuilder {
 public:
  EntryBuilder(std::string_view proposer, std::uint64_t sequence);
  void add(const Operation& operation);  // name and body as Operation promises
  std::size_t operations() const { return operations_; }
  std::size_t bytes() const { return text_.size() + 2; }  // of take()'s text
  std::string take();

  // Bytes that an operation adds to an entry, and that an empty entry has.
  static std::size_t cost(const Operation& operation);
  static std::size_t overhead(std::string_view proposer);

 private:
  std::string text_;
  std::size_t operations_ = 0;
};

// An entry taken apart: slices of its own text, so it can be moved freely.
class DecodedEntry {
 public:
  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Item {
    Slice name;
    Slice body;
    Slice actor = {};  // empty: none
  };

  // Checks the text (json::check) and takes it apart. An entry that is not as above keeps its
  // problem(); its operations are empty then.
  static DecodedEntry from(LogEntry entry);

  Revision revision() const { return entry_.revision; }
  Timestamp time() const { return entry_.time; }
  const std::string& data() const { return entry_.data; }
  const std::string& hash() const { return hash_; }  // SHA-256 of data(), 32 bytes
  // Why it cannot be applied: internal / malformed_entry, unknown_entry_version.
  const std::optional<Error>& problem() const { return problem_; }

  std::string_view proposer() const { return text(proposer_); }
  std::uint64_t sequence() const { return sequence_; }
  const std::vector<Item>& items() const { return items_; }
  std::string_view text(Slice slice) const {
    return std::string_view(entry_.data).substr(slice.at, slice.size);
  }

 private:
  LogEntry entry_;
  std::string hash_;
  std::optional<Error> problem_;
  Slice proposer_;
  std::uint64_t sequence_ = 0;
  std::vector<Item> items_;
};

}  // namespace weir::replica
