// Lease token: the text a worker shows to prove that it holds a job. It names the job's row, so no
// index is needed, and carries a fencing counter and an unguessable nonce: only the newest lease of
// a job matches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::jobs {

struct Token {
  std::int64_t row = 0;
  std::int64_t fence = 0;  // leases of this job so far
  std::int64_t nonce = 0;
  bool operator==(const Token&) const = default;
};

// Three numbers in base 36, joined by dots.
void append_token(std::string& out, const Token& token);
std::string format_token(const Token& token);
// Empty for anything that format_token() does not write.
std::optional<Token> parse_token(std::string_view text);

// The nonce of a lease: derived, so that one random salt serves a whole operation.
std::int64_t lease_nonce(std::uint64_t salt, std::int64_t row);

}  // namespace weir::jobs
