// json::View: a cheap, read-only look at a piece of VALID JSON text. It keeps the bytes as they
// came, so a payload travels from request to log to database to worker untouched.
//
// Text must have passed json::check() (or come from json::Writer) before a View looks at it; on
// anything else the answers are meaningless, though never out of bounds. A View points into the
// text and must not outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::json {

struct Limits {
  std::size_t max_bytes = 64U << 20U;
  std::size_t max_depth = 64;  // nesting of arrays and objects
};

// Strict RFC 8259: syntax, UTF-8, numbers that fit (int64/uint64/finite double), depth, no
// duplicate check. Errors: bad_request / invalid_json, json_too_deep; too_large / json_too_large.
Result<void> check(std::string_view text, const Limits& limits = {});

enum class Kind : std::uint8_t { missing, null, boolean, number, string, array, object };

class Members;
class Elements;

class View {
 public:
  View() = default;                      // missing
  explicit View(std::string_view text);  // trims white space around the value

  Kind kind() const;
  bool is_missing() const { return text_.empty(); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }
  std::string_view raw() const { return text_; }  // the bytes of this value

  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int() const;  // whole numbers only: 3 and 3.0, not 3.5
  std::optional<double> as_double() const;
  std::optional<std::string> as_string() const;  // unescaped
  // The text between the quotes when it holds no escape (no copy); empty optional otherwise.
  std::optional<std::string_view> as_plain_string() const;

  View find(std::string_view key) const;  // member of an object, else missing; O(bytes)
  Members members() const;                // of an object; empty for anything else
  Elements elements() const;              // of an array; empty for anything else

 private:
  std::string_view text_;
};

struct Member {
  std::string_view raw_key;  // between the quotes, escapes kept
  View value;
  std::string key() const;  // unescaped
};

// for (const Member& m : view.members())
class Members {
 public:
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { advance(); }
    const Member& operator*() const { return current_; }
    const Member* operator->() const { return &current_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    void advance();
    std::string_view rest_;
    Member current_;
    bool done_ = false;
  };
  explicit Members(std::string_view inside) : inside_(inside) {}
  Iterator begin() const { return Iterator(inside_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view inside_;
};

// for (View v : view.elements())
class Elements {
 public:
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) { advance(); }
    const View& operator*() const { return current_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    void advance();
    std::string_view rest_;
    View current_;
    bool done_ = false;
  };
  explicit Elements(std::string_view inside) : inside_(inside) {}
  Iterator begin() const { return Iterator(inside_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view inside_;
};

// The value of a JSON string literal's inside: escapes resolved, surrogate pairs joined.
std::string unescape(std::string_view inside);

// True when `text` is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

}  // namespace weir::json
