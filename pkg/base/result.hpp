// Result<T>: a value or an Error, for every outcome that a caller can meet. A subset of C++23's
// std::expected<T, Error>. Accessing the wrong side is a programmer error and aborts.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "pkg/base/assert.hpp"
#include "pkg/base/error.hpp"

namespace weir {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    WEIR_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    WEIR_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    WEIR_ASSERT(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    WEIR_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    WEIR_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    WEIR_ASSERT(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { WEIR_ASSERT(has_value()); }

  Error& error() & {
    WEIR_ASSERT(!has_value());
    return *error_;
  }
  const Error& error() const& {
    WEIR_ASSERT(!has_value());
    return *error_;
  }
  Error&& error() && {
    WEIR_ASSERT(!has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace weir

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)

// Returns the error of a Result<...> expression to the caller; drops its value.
#define WEIR_TRY(expression)                             \
  do {                                                   \
    if (auto weir_result = (expression); !weir_result) { \
      return std::move(weir_result).error();             \
    }                                                    \
  } while (false)

// WEIR_ASSIGN(auto x, f()): x gets the value, or the error goes to the caller.
#define WEIR_ASSIGN(lhs, expression) \
  WEIR_ASSIGN_INNER(WEIR_CONCAT(weir_result_, __LINE__), lhs, expression)
#define WEIR_ASSIGN_INNER(result, lhs, expression) \
  auto result = (expression);                      \
  if (!result) return std::move(result).error();   \
  lhs = std::move(result).value()
